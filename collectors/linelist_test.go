package collectors

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"bellwether/profiles"
)

// manyItems keeps what several goroutines add.
type manyItems struct {
	mu    sync.Mutex
	items map[string]string
	errs  map[string]error
	fail  string // the name of an item that ends the run
	lazy  bool   // never calls write
}

func (m *manyItems) Add(item *Item, write func(io.Writer) error) error {
	if item.Name == m.fail {
		return errors.New("full")
	}
	if m.lazy {
		return nil
	}
	var b strings.Builder
	err := write(&b)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.items[item.Name], m.errs[item.Name] = b.String(), err
	return nil
}

// fill writes so many lines into each of six lists, in turns, from two goroutines.
func fill(t *testing.T, sink Sink, lines int) error {
	t.Helper()
	all := newLineLists(sink, profiles.Step{}, "test")
	var lists []*lineList
	for i := range openLists + 2 {
		lists = append(lists, all.add(fmt.Sprint(i), "list"))
	}
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			for n := range lines / 2 {
				for _, l := range lists {
					l.line(fmt.Appendf(nil, "%099d", n))
				}
			}
		})
	}
	both.Wait()
	return all.finish("")
}

func TestLineListsAreWholeSideBySide(t *testing.T) {
	for _, lines := range []int{0, 2, 2000} {
		sink := &manyItems{items: map[string]string{}, errs: map[string]error{}}
		if err := fill(t, sink, lines); err != nil {
			t.Fatal(err)
		}
		for i := range openLists + 2 {
			if got := sink.items[fmt.Sprint(i)]; len(got) != 100*lines || sink.errs[fmt.Sprint(i)] != nil {
				t.Errorf("%d lines: list %d has %d bytes, error %v", lines, i, len(got), sink.errs[fmt.Sprint(i)])
			}
		}
	}
}

// Lists that find no place in the sink are cut at a bound, and say how much is missing.
func TestLineListsAreBounded(t *testing.T) {
	const lines = 20_000
	sink := &manyItems{items: map[string]string{}, errs: map[string]error{}}
	if err := fill(t, sink, lines); err != nil {
		t.Fatal(err)
	}
	whole, cut := 0, 0
	for name, content := range sink.items {
		switch err := sink.errs[name]; {
		case err == nil && len(content) == 100*lines:
			whole++
		case err != nil && len(content) <= listMost && strings.HasPrefix(err.Error(), fmt.Sprint(lines-len(content)/100)+" further lines"):
			cut++
		default:
			t.Errorf("list %s has %d bytes, error %v", name, len(content), err)
		}
	}
	if whole != openLists || cut != 2 {
		t.Errorf("%d lists are whole and %d cut, want %d and 2", whole, cut, openLists)
	}
}

// The bodyfile and the digests of programs are whole, also when other lists got long before them.
func TestDigestsAreWholeWhateverElseIsLong(t *testing.T) {
	const lines = 20_000
	sink := &manyItems{items: map[string]string{}, errs: map[string]error{}}
	lists := newFileLists(&walkAll{env: &Env{Now: time.Now}}, sink, nil, nil)
	for _, l := range []*lineList{lists.recent, lists.setID, lists.hidden, lists.odd, lists.unseen, lists.body, lists.executables} {
		for n := range lines {
			l.line(fmt.Appendf(nil, "%099d", n))
		}
	}
	if err := lists.finish(""); err != nil {
		t.Fatal(err)
	}
	for name, cut := range map[string]bool{"bodyfile": false, "executables": false, "recent": false, "suid": false, "hidden-directories": true, "not-walked": true} {
		name = "state/walk/" + name + ".txt"
		if got := len(sink.items[name]); (got != 100*lines) != cut || (sink.errs[name] != nil) != cut {
			t.Errorf("%s has %d bytes, error %v; cut should be %v", name, got, sink.errs[name], cut)
		}
	}
}

// A sink that ends, or never reads, holds nobody up.
func TestLineListsEndWithTheirSink(t *testing.T) {
	if err := fill(t, &manyItems{lazy: true}, 20_000); err != nil {
		t.Error(err)
	}
	sink := &manyItems{items: map[string]string{}, errs: map[string]error{}, fail: "0"}
	if err := fill(t, sink, 20_000); err == nil {
		t.Error("the sink's error is lost")
	}
}
