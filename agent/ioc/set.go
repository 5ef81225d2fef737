package ioc

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math/bits"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// A Set is a collection of indicators, ready to be looked for. It never changes, and any number of goroutines may use it.
type Set struct {
	inds    []Indicator
	tokens  tokens
	factors *factors
	addrs   addrs
	regexes regexes
	digests map[string]int32
	names   map[string][]int32 // names of files in lower case
	excepts map[int32]*regexp.Regexp

	buffers   sync.Pool // of *[]byte
	inflaters sync.Pool // of *inflater
}

// inflater returns an inflater that may have served another stream.
func (s *Set) inflater(r io.Reader) *inflater {
	d, ok := s.inflaters.Get().(*inflater)
	if !ok {
		return newInflater(r)
	}
	d.reuse(r)
	return d
}

// NewSet makes a set. Indicators of the same type and value become one that remembers all sources. The slice must not be changed
// afterwards.
func NewSet(indicators []Indicator, options ...Option) (*Set, error) {
	s := &Set{inds: merge(indicators), digests: map[string]int32{}, names: map[string][]int32{}}
	for _, change := range options {
		change(s)
	}
	refs, err := s.addAll()
	if err != nil {
		return nil, err
	}
	s.addrs.nets4.seal()
	s.addrs.nets6.seal()
	refs = append(refs, s.regexes.seal(int32(len(s.inds)))...)
	if len(s.addrs.nets4.nets) == 0 && len(s.tokens.forms)+len(refs) <= maxFew && canTeddy() {
		refs = append(refs, s.tokens.leave()...)
	}
	s.tokens.seal()
	s.factors = newFactors(refs)
	return s, nil
}

// addAll adds the indicators to all that they are looked up in, but for the forms that it returns.
func (s *Set) addAll() ([]formRef, error) {
	parts, size := make([]formPart, runtime.GOMAXPROCS(0)), len(s.inds)/runtime.GOMAXPROCS(0)+1
	var work errgroup.Group
	for i := range parts {
		p, first, end := &parts[i], min(len(s.inds), i*size), min(len(s.inds), (i+1)*size)
		work.Go(func() error { return p.add(s.inds[first:end], int32(first)) })
	}
	for i := range s.inds {
		id, ind := int32(i), &s.inds[i]
		s.addrs.add(id, ind)
		err := s.addOther(id, ind)
		if err == nil {
			err = s.addExcept(id, ind)
		}
		if err != nil {
			return nil, errors.Join(err, work.Wait())
		}
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	refs := parts[0].refs
	s.tokens = parts[0].tokens
	for i := range parts[1:] {
		s.tokens.join(&parts[1+i].tokens)
		refs = append(refs, parts[1+i].refs...)
	}
	return refs, nil
}

// A formPart is the forms of a part of the indicators.
type formPart struct {
	tokens tokens
	refs   []formRef
}

// add adds the forms of indicators, of which the first has the number id.
func (p *formPart) add(inds []Indicator, id int32) error {
	p.tokens.grow(len(inds))
	for i := range inds {
		for _, f := range formsOf(&inds[i]) {
			if len(f.text) < minWord || len(f.text) > 2*maxValue {
				return fmt.Errorf("indicator %q: its length can't be searched for", inds[i].Raw)
			}
			if !p.tokens.add(inds[i].Type, f, id+int32(i)) {
				p.refs = append(p.refs, formRef{f, id + int32(i)})
			}
		}
	}
	return nil
}

func (s *Set) addOther(id int32, ind *Indicator) error {
	switch ind.Type {
	case MD5, SHA1, SHA256, SHA512:
		s.digests[ind.Value] = id
	case Filename:
		name := strings.ToLower(ind.Value)
		s.names[name] = append(s.names[name], id)
	case Regex:
		return s.regexes.add(id, ind)
	}
	return nil
}

func (s *Set) addExcept(id int32, ind *Indicator) error {
	if ind.Except == "" {
		return nil
	}
	re, err := regexp.Compile(ind.Except)
	if err != nil {
		return fmt.Errorf("indicator %q: its exception: %w", ind.Raw, err)
	}
	if s.excepts == nil {
		s.excepts = map[int32]*regexp.Regexp{}
	}
	s.excepts[id] = re
	return nil
}

// excepted reports whether a line or a path is what the indicator's list takes for a false positive.
func (s *Set) excepted(id int32, text []byte) bool {
	re := s.excepts[id]
	return re != nil && re.Match(text)
}

// merge makes one indicator of those that look for the same thing. What it returns are the indicators themselves if no two do.
func merge(indicators []Indicator) []Indicator {
	seed, size := maphash.MakeSeed(), bits.Len(uint(len(indicators)))+1
	at := make([]uint64, 1<<size) // 1 + where the indicator is, below bits of its hash; 0 where none is
	merged, shared := indicators[:0:len(indicators)], true
	for i := range indicators {
		ind := &indicators[i]
		value := mergeValue(ind)
		hash := maphash.String(seed, value)
		slot, mark := hash>>(64-size), hash<<32
		for at[slot] != 0 && (at[slot]&^(1<<32-1) != mark || !sameIndicator(&merged[uint32(at[slot])-1], ind.Type, value)) {
			slot = (slot + 1) & (1<<size - 1)
		}
		if at[slot] != 0 {
			if shared { // the caller's stay as they are
				merged, shared = append(make([]Indicator, 0, len(indicators)), merged...), false
			}
			merged[uint32(at[slot])-1].add(ind)
			continue
		}
		if shared {
			merged = indicators[:i+1]
		} else {
			merged = append(merged, *ind)
		}
		at[slot] = mark | uint64(len(merged))
	}
	return merged
}

func sameIndicator(ind *Indicator, t Type, value string) bool {
	return ind.Type == t && mergeValue(ind) == value
}

// mergeValue is what two indicators of one type share if they look for the same thing.
func mergeValue(ind *Indicator) string {
	if ind.Type == Regex {
		return ind.Value
	}
	return lower(ind.Value)
}

// add takes over what another entry says of the same indicator.
func (ind *Indicator) add(other *Indicator) {
	ind.Sources = append(slices.Clip(ind.Sources), other.Sources...)
	if ind.Except != other.Except {
		ind.Except = "" // what one entry excepts another may look for
	}
	ind.Score = max(ind.Score, other.Score)
	if ind.Comment == "" {
		ind.Comment = other.Comment
	}
}

// Len returns the number of different indicators.
func (s *Set) Len() int { return len(s.inds) }

// Indicators returns all indicators of the set, which belong to it.
func (s *Set) Indicators() []Indicator { return s.inds }

// MatchHash returns the indicator with this digest, or nil.
func (s *Set) MatchHash(hex string) *Indicator {
	if id, ok := s.digests[strings.ToLower(hex)]; ok {
		return &s.inds[id]
	}
	return nil
}

// MatchName returns the indicators that a path meets: names of files, paths, and regular expressions. Separators of either
// kind divide it.
func (s *Set) MatchName(path string) []*Indicator {
	var ids []int32
	for name := range strings.FieldsFuncSeq(strings.ToLower(path), isSeparator) {
		ids = append(ids, s.names[name]...)
	}
	lines := strings.ContainsAny(path, "\n\r")
	for _, m := range s.searchName(path) {
		switch s.inds[m.id].Type {
		case Path:
			if !goesOn(path, m.end) {
				ids = append(ids, m.id)
			}
		case Regex:
			if !lines {
				ids = append(ids, m.id)
			}
		}
	}
	for i := range s.regexes.all { // a name is no text, whatever stands in it
		if re := &s.regexes.all[i]; lines && re.MatchString(path) {
			ids = append(ids, re.id)
		}
	}
	slices.Sort(ids)
	var hits []*Indicator
	for _, id := range slices.Compact(ids) {
		if !s.excepted(id, []byte(path)) {
			hits = append(hits, &s.inds[id])
		}
	}
	slices.SortStableFunc(hits, func(a, b *Indicator) int { return strings.Compare(string(a.Type)+a.Value, string(b.Type)+b.Value) })
	return hits
}

func isSeparator(r rune) bool { return r == '/' || r == '\\' }

// searchName searches a path as if it were a text.
func (s *Set) searchName(path string) []match {
	x := newSearch(s, maxDepth)
	x.block(append(make([]byte, 0, len(path)+slack), path...), 0, len(path))
	return x.hits.found
}

// goesOn reports whether the component that ends before path[at] goes on in truth: a space ends one only in a text.
func goesOn(path string, at int) bool {
	return at < len(path) && at > 0 && !isSeparator(rune(path[at])) && !isSeparator(rune(path[at-1]))
}
