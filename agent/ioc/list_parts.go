package ioc

import (
	"strings"
	"sync"
)

// Long plain lists are read in parts, one on each core. What one look does not tell is left to the reader of the list, in order: whether a line can be
// used may depend on the ones before it.

// plainPart is about how many bytes of a list make a part.
const plainPart = 64 << 10

// A listPart is a part of a plain list.
type listPart struct {
	first  int    // the number of its first line
	text   string // whole lines
	quick  loader // with those that one look tells
	others []otherLine
}

// An otherLine is a line that needs a closer look.
type otherLine struct {
	after int // how many of the quick entries come before it
	n     int // the number of the line
	text  string
}

// addParts takes all lines of a plain list.
func (l *loader) addParts(text string, workers int) {
	parts := make([]listPart, workers)
	for n := 1; text != ""; {
		var wait sync.WaitGroup
		for i := range parts {
			p := &parts[i]
			p.first = n
			p.text, text = cutLines(text, plainPart)
			n += strings.Count(p.text, "\n")
			wait.Go(func() { p.read(l) })
		}
		wait.Wait()
		for i := range parts {
			if !l.addPart(&parts[i]) {
				return
			}
		}
	}
}

// cutLines cuts off about size bytes of whole lines.
func cutLines(text string, size int) (lines, rest string) {
	if len(text) <= size {
		return text, ""
	}
	i := strings.IndexByte(text[size:], '\n')
	if i < 0 {
		return text, ""
	}
	return text[:size+i+1], text[size+i+1:]
}

// read takes the quick entries of a part of l's list.
func (p *listPart) read(l *loader) {
	p.quick.name, p.quick.inds, p.others = l.name, p.quick.inds[:0], p.others[:0]
	text := p.text
	for n := p.first; text != ""; n++ {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		if len(line) < maxListLine {
			if ind, ok := quickEntry(strings.TrimSpace(line)); ok {
				p.quick.take(place{line: n}, ind)
				continue
			}
		}
		p.others = append(p.others, otherLine{len(p.quick.inds), n, line})
	}
}

// addPart takes what was read of a part, and reports whether the list can be read on.
func (l *loader) addPart(p *listPart) bool {
	done := 0
	for _, o := range p.others {
		l.inds = append(l.inds, p.quick.inds[done:o.after]...)
		done = o.after
		if !l.addLine(o.n, o.text) || l.full() {
			return false
		}
	}
	l.inds = append(l.inds, p.quick.inds[done:]...)
	return true
}
