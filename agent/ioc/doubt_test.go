package ioc

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// onlyReader hides that a reader can seek.
type onlyReader struct{ io.Reader }

func TestDamageIsConfirmedByTheLibrary(t *testing.T) {
	set := mustSet(t, "evil.com")
	text := logText(5000)
	cut := zipped(t, text)
	cut = cut[:len(cut)/2]
	wrongSum := zipped(t, text)
	wrongSum[len(wrongSum)-6] ^= 1
	flipped := zipped(t, text)
	flipped[len(flipped)/2] ^= 0x10
	badMember := zipOf(t, zip.Deflate, false, "a", text, "b", twoLines)
	badMember[1000] ^= 0x55
	for name, data := range map[string][]byte{"cut": cut, "checksum": wrongSum, "flipped": flipped, "in tar": tarOf(t, "a.gz", flipped), "zip": badMember} {
		for _, r := range []io.Reader{bytes.NewReader(data), onlyReader{bytes.NewReader(data)}} {
			err := set.ScanReader(context.Background(), name, r, func(Hit) {})
			if !errors.Is(err, ErrPartial) || !errors.Is(err, errAgreed) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if err := set.ScanReader(context.Background(), "whole", bytes.NewReader(zipped(t, text)), func(Hit) {}); err != nil {
		t.Error(err)
	}
}

func TestDamageOfWhatIsTooLargeToKeep(t *testing.T) {
	noise := make([]byte, maxKept+1<<20)
	r := rand.NewChaCha8([32]byte{7})
	r.Read(noise)
	data := zipped(t, "evil.com\n"+string(noise))
	data[len(data)-3] ^= 1 // of the size
	set := mustSet(t, "evil.com")
	hits, err := grep(set, data, 100_000)
	if len(hits) != 1 || !errors.Is(err, errUnchecked) {
		t.Errorf("written: %q %v", hits, err)
	}
	err = set.ScanReader(context.Background(), "file", bytes.NewReader(data), func(Hit) {})
	if !errors.Is(err, errAgreed) {
		t.Error("read:", err)
	}
}

// The scan pretends that our decoder stopped early. Then the library reads on, and its hits are told.
func TestFaultOfOursLosesNoHit(t *testing.T) {
	set := mustSet(t, "evil.com")
	data := zipped(t, "first\nevil.com\n")
	for _, doubted := range []doubts{{found: []doubt{{1, 6, 0}}}, {broke: true}} {
		var hits int
		in := newSource(context.Background(), bytes.NewReader(data))
		c := newScan(set, in, func(h Hit) { hits++ })
		*c.doubts = doubted
		io.Copy(io.Discard, in)
		if err := c.secondLook(in); !errors.Is(err, errDisagreed) || hits != 1 {
			t.Errorf("%+v: %d hits, %v", doubted, hits, err)
		}
	}
}

func TestLibraryDecodesTheSame(t *testing.T) {
	set := mustSet(t, "evil.com")
	text := logText(9000)
	for name, data := range map[string][]byte{
		"gzip":  append(zipped(t, text), zipped(t, text)...),
		"zip":   zipOf(t, zip.Deflate, false, "a", text, "b", string(zipped(t, text))),
		"mixed": zipped(t, string(tarOf(t, "x.zip", zipOf(t, zip.Deflate, false, "a", text)))),
	} {
		var ours, theirs []string
		list := func(to *[]string) func(Hit) {
			return func(h Hit) { *to = append(*to, h.Inside+h.Member+":"+string(h.Text)) }
		}
		if err := set.ScanReader(context.Background(), name, bytes.NewReader(data), list(&ours)); err != nil {
			t.Error(name, err)
		}
		c, err := set.byLibrary(newSource(context.Background(), bytes.NewReader(data)), list(&theirs))
		if err != nil || !c.doubts.none() {
			t.Error(name, err, c.doubts)
		}
		if diff := cmp.Diff(ours, theirs); diff != "" || len(ours) < 9 {
			t.Errorf("%s: %d hits; -ours +library\n%s", name, len(ours), diff)
		}
	}
}

// A slowReader takes a time for each read of a clock of its own.
type slowReader struct {
	r     io.Reader
	clock *time.Time
	step  time.Duration
}

func (s slowReader) Read(p []byte) (int, error) {
	*s.clock = s.clock.Add(s.step)
	return s.r.Read(p[:min(len(p), 100)])
}

func TestDecodersAreBoundedByTime(t *testing.T) {
	text := "evil.com\n" + strings.Repeat("x\n", 20_000)
	for _, test := range []struct {
		name            string
		source, decoder time.Duration // for a read
		over            error
	}{
		{"a slow source", time.Hour, 0, nil},
		{"a decoder that takes some time", time.Second, 10 * time.Millisecond, nil},
		{"a slow decoder", time.Second, time.Second, errSlow},
	} {
		clock := time.Unix(0, 0)
		in := newSource(context.Background(), slowReader{strings.NewReader(text), &clock, test.source})
		in.now = func() time.Time { return clock }
		hits := 0
		c := newScan(mustSet(t, "evil.com"), in, func(Hit) { hits++ })
		m := &metered{r: slowReader{in, &clock, test.decoder}, total: c.total, in: &replay{}}
		if err := c.stream(m); !errors.Is(err, test.over) || hits != 1 {
			t.Errorf("%s: %d hits, %v", test.name, hits, err)
		}
	}
}

// A decoder that reads on and on and decodes nothing must end as well.
func TestDecoderThatDecodesNothingEnds(t *testing.T) {
	clock := time.Unix(0, 0)
	in := newSource(context.Background(), strings.NewReader(strings.Repeat("x", 1<<20)))
	in.now = func() time.Time { clock = clock.Add(10 * time.Millisecond); return clock }
	c := newScan(mustSet(t, "evil.com"), in, func(Hit) {})
	_, err := c.total.timed(func() (int, error) {
		n, err := io.Copy(io.Discard, onlyReader{slowReader{in, &clock, time.Second}})
		return int(n), err
	})
	if !errors.Is(err, errBomb) || in.n == 1<<20 {
		t.Errorf("%d bytes read: %v", in.n, err)
	}
}

func TestMembersAfterADamagedOne(t *testing.T) {
	set := mustSet(t, "evil.com")
	data := zipOf(t, zip.Deflate, false, "a", logText(900), "b", twoLines)
	data[500] ^= 0xff
	got, err := grepMembers(set, data, 1000)
	if diff := cmp.Diff([]string{"b|zip:2"}, got); diff != "" || !errors.Is(err, ErrPartial) {
		t.Error(err, diff)
	}
	bad := zipped(t, logText(900))
	bad[500] ^= 0xff
	first := tarOf(t, "a.gz", bad)
	data = slices.Concat(first[:len(first)-1024], tarOf(t, "b", []byte(twoLines))) // without the end of the archive
	got, err = grepMembers(set, data, 1000)
	if diff := cmp.Diff([]string{"b|tar:2"}, got); diff != "" || !errors.Is(err, ErrPartial) {
		t.Error(err, diff)
	}
}
