package collectors

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"bellwether/profiles"

	"golang.org/x/sync/errgroup"
)

const (
	// listBuffer is what a list holds before it asks the sink for an item, in bytes. Most lists never have as much.
	listBuffer = 64 << 10
	// listMost is what a list holds that can't have an item yet, in bytes. What comes after is counted.
	listMost = 1 << 20
	// openLists is how many lists write into the sink at once: a store that fills parts in memory could not serve many that all
	// hold one.
	openLists = 4
)

// lineLists are text files of the case that grow side by side while something is walked. A sink takes one item per Add and reads it to
// its end, so each list that is too long to be held has a goroutine in Add; finish waits for all.
type lineLists struct {
	sink    Sink
	step    profiles.Step
	source  string
	group   errgroup.Group
	lists   []*lineList
	mu      sync.Mutex
	places  int   // in the sink that are still to be had
	stopped error // of the sink: nothing more can be kept
}

// A lineList is one of them. Its lines are in the order in which they came.
type lineList struct {
	all     *lineLists
	name    string // in the case
	about   string // the item's source, after the folder that is walked
	sure    bool   // a place in the sink is kept for it
	mu      sync.Mutex
	buf     []byte
	lines   int64
	dropped int64
	reason  string        // why it is not whole
	chunks  chan []byte   // nil while it has no item
	ended   chan struct{} // closed when the sink takes no more
	spare   chan []byte
}

func newLineLists(sink Sink, step profiles.Step, source string) *lineLists {
	return &lineLists{sink: sink, step: step, source: source, places: openLists}
}

// addSure makes a list that a place in the sink is kept for, so that it is whole however long it gets. There may be less than openLists.
func (a *lineLists) addSure(name, about string) *lineList {
	l := a.add(name, about)
	l.sure = true
	a.places--
	return l
}

// add makes a list.
func (a *lineLists) add(name, about string) *lineList {
	l := &lineList{all: a, name: name, about: about}
	a.lists = append(a.lists, l)
	return l
}

// err is the sink's error that ends the run.
func (a *lineLists) err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stopped
}

func (a *lineLists) stop(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopped == nil {
		a.stopped = err
	}
}

// mayOpen reports whether a list may write into the sink, and takes its place.
func (a *lineLists) mayOpen(l *lineList) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if l.sure {
		return true
	}
	if a.places <= 0 {
		return false
	}
	a.places--
	return true
}

// line adds a line, without its newline, and returns its number, from 1; 0 if it was not kept.
func (l *lineList) line(b []byte) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.buf)+len(b) >= listBuffer {
		l.flush()
	}
	if len(l.buf)+len(b) >= listMost {
		l.dropped++
		return 0
	}
	l.buf = append(append(l.buf, b...), '\n')
	l.lines++
	return l.lines
}

// flush hands what is held to the sink, if the list has an item or may have one.
func (l *lineList) flush() {
	if l.chunks == nil {
		if !l.all.mayOpen(l) {
			return
		}
		l.start()
	}
	if len(l.buf) == 0 {
		return
	}
	select {
	case l.chunks <- l.buf:
	case <-l.ended:
	}
	select {
	case b := <-l.spare:
		l.buf = b[:0]
	default:
		l.buf = make([]byte, 0, listBuffer)
	}
}

// start gives the list its item.
func (l *lineList) start() {
	l.chunks, l.ended, l.spare = make(chan []byte), make(chan struct{}), make(chan []byte, 1)
	l.all.group.Go(func() error {
		defer close(l.ended)
		err := l.all.sink.Add(l.item(), l.pass)
		if err != nil {
			l.all.stop(err)
		}
		return err
	})
}

// pass writes what comes until there is no more.
func (l *lineList) pass(w io.Writer) error {
	for b := range l.chunks {
		if _, err := w.Write(b); err != nil {
			return err
		}
		select {
		case l.spare <- b:
		default:
		}
	}
	return l.whole()
}

// whole is the error of a list that is not whole.
func (l *lineList) whole() error {
	switch {
	case l.dropped > 0:
		return fmt.Errorf("%d further lines are left out: too many lists are this long; bodyfile.txt has every file, and executables.txt the SHA-256 of every program", l.dropped)
	case l.reason != "":
		return errors.New(l.reason)
	}
	return nil
}

func (l *lineList) item() *Item {
	return &Item{Step: l.all.step.Name, Collector: l.all.step.Collector, Name: l.name, Source: l.all.source + ": " + l.about, SizeHint: -1}
}

// finish ends all lists and waits for them. A reason says that the walk did not come to its end. The error is the sink's.
func (a *lineLists) finish(reason string) error {
	for _, l := range a.lists {
		l.mu.Lock()
		l.reason = reason
		if l.chunks != nil {
			l.flush()
			close(l.chunks)
			l.mu.Unlock()
			continue
		}
		if a.err() == nil {
			if err := a.sink.Add(l.item(), l.rest); err != nil {
				a.stop(err)
			}
		}
		l.mu.Unlock()
	}
	return errors.Join(a.group.Wait(), a.err())
}

// rest writes a list that has been held until the end.
func (l *lineList) rest(w io.Writer) error {
	if _, err := io.Copy(w, bytes.NewReader(l.buf)); err != nil {
		return err
	}
	return l.whole()
}

// reasonOf says why a walk ended before its time, or returns "".
func reasonOf(ctx context.Context, err error) string {
	if err == nil {
		return ""
	}
	return "the walk is not complete: " + whyStopped(ctx, err)
}
