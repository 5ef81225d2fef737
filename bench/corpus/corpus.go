// Package corpus makes folders of logs in which indicators are planted, with the truth about where they stand: for tests and
// benchmarks of anything that looks for indicators. The same options make the same bytes of text. Beside every hit that must be
// found there are decoys, which hold an indicator's letters and are none: longer addresses, other domains, longer digests.
package corpus

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// Options say what corpus to make.
type Options struct {
	Bytes int64  // of plain text, about
	Seed  uint64 // of everything that is drawn
	Every int    // lines from one planted line to the next, in the mean; 0 means 1,500
	Gzip  bool   // write a .gz of every log too
}

// A Plant is a line that was planted.
type Plant struct {
	Path      string // of the log below plain, with slashes; below gz it ends with .gz
	Line      int    // from 1
	Decoy     bool
	Rank      int // of the indicator: a list of n indicators holds it if n is larger
	Indicator Indicator
}

// Write makes a corpus: plain/KIND/NAME, gz/KIND/NAME.gz, indicators/1.txt to 100k.txt and truth.tsv, which holds what Write
// returns, tab-separated: path, line, hit or decoy, rank, type, indicator.
func Write(dir string, o Options) ([]Plant, error) {
	w := &writer{dir: dir, opt: o, listed: map[string]bool{}}
	if w.opt.Every <= 0 {
		w.opt.Every = 1500
	}
	w.list = Indicators(o.Seed, Sizes[len(Sizes)-1])
	for _, ind := range w.list {
		w.listed[ind.Value] = true
		if ind.Type == "url" {
			host, _, _ := strings.Cut(strings.TrimPrefix(ind.Value, "http://"), "/")
			w.listed[host] = true
		}
	}
	if err := w.lists(); err != nil {
		return nil, fmt.Errorf("writing the lists: %w", err)
	}
	for i := range kinds {
		if err := w.kind(&kinds[i], uint64(i)); err != nil {
			return nil, fmt.Errorf("writing %s: %w", kinds[i].name, err)
		}
	}
	if err := w.truth(); err != nil {
		return nil, fmt.Errorf("writing the truth: %w", err)
	}
	return w.plants, nil
}

type writer struct {
	dir    string
	opt    Options
	list   []Indicator
	listed map[string]bool // the indicators, and the hosts of their URLs
	plants []Plant
}

// file creates a file below the folder and has it filled.
func (w *writer) file(name string, fill func(io.Writer) error) (err error) {
	p := filepath.Join(w.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		return err
	}
	f, err := os.Create(p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b := bufio.NewWriterSize(f, 256<<10)
	return errors.Join(fill(b), b.Flush())
}

func (w *writer) lists() error {
	for _, n := range Sizes {
		err := w.file("indicators/"+listName(n), func(out io.Writer) error {
			for _, ind := range w.list[:n] {
				fmt.Fprintln(out, ind.Value)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) truth() error {
	return w.file("truth.tsv", func(out io.Writer) error {
		for _, p := range w.plants {
			what := "hit"
			if p.Decoy {
				what = "decoy"
			}
			fmt.Fprintf(out, "%s\t%d\t%s\t%d\t%s\t%s\n", p.Path, p.Line, what, p.Rank, p.Indicator.Type, p.Indicator.Value)
		}
		return nil
	})
}

// kind writes all files of a log, as rotation leaves them: a large one and smaller ones.
func (w *writer) kind(k *kind, stream uint64) error {
	lines, err := compile(k.lines)
	if err != nil {
		return err
	}
	clues, err := compile(k.clues)
	if err != nil {
		return err
	}
	l := &logWriter{writer: w, kind: k, lines: lines, clues: clues}
	l.maker = newMaker(rand.New(rand.NewPCG(w.opt.Seed, stream+1)), w.listed) //nolint:gosec // the seed decides
	total := w.opt.Bytes * int64(k.share) / 100
	for i, percent := range []int64{34, 18, 12, 12, 8, 8, 4, 4} {
		name := path.Join(k.name, k.name+".log")
		if i > 0 {
			name += fmt.Sprintf(".%d", i)
		}
		fill := func(out io.Writer) error { return l.fill(out, name, total*percent/100) }
		if w.opt.Gzip {
			fill = func(out io.Writer) error {
				return w.file("gz/"+name+".gz", func(packed io.Writer) error {
					z := gzip.NewWriter(packed)
					return errors.Join(l.fill(io.MultiWriter(out, z), name, total*percent/100), z.Close())
				})
			}
		}
		if err := w.file("plain/"+name, fill); err != nil {
			return err
		}
	}
	return nil
}

// A logWriter writes the files of one log.
type logWriter struct {
	*writer
	kind         *kind
	maker        *maker
	lines, clues []template
}

func (l *logWriter) fill(out io.Writer, name string, size int64) error {
	m := l.maker
	var b []byte
	next := 1 + m.rng.IntN(2*l.opt.Every)
	for line, n := 1, int64(0); n < size; line++ {
		m.now = m.now.Add(time.Duration(float64(l.kind.pace) * m.rng.ExpFloat64()))
		from := l.lines
		if line == next {
			next += 1 + m.rng.IntN(2*l.opt.Every)
			from = l.clues
			p := l.plant()
			p.Path, p.Line = name, line
			l.plants = append(l.plants, p)
		}
		b = from[m.rng.IntN(len(from))].render(m, b[:0])
		if _, err := out.Write(b); err != nil {
			return err
		}
		n += int64(len(b))
	}
	return nil
}

// plant chooses an indicator, from each list as often as from the others, and how it is spelled: a fifth are decoys.
func (l *logWriter) plant() Plant {
	rng := l.maker.rng
	for {
		rank := rng.IntN(Sizes[rng.IntN(len(Sizes))])
		p := Plant{Rank: rank, Indicator: l.list[rank], Decoy: rng.IntN(5) == 0}
		if l.kind.bare && p.Indicator.Type != "ipv4" {
			continue
		}
		clue := spell(rng, p.Indicator, p.Decoy, l.kind.bare)
		if p.Decoy && l.listed[clue] {
			continue // it happens to be an indicator
		}
		if l.kind.json {
			clue = quoteJSON(clue)
		}
		l.maker.clue = clue
		return p
	}
}
