package main

import (
	"bytes"
	"crypto/md5"  //nolint:gosec // lists of indicators hold MD5 and SHA-1
	"crypto/sha1" //nolint:gosec
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"slices"

	"bellwether/agent/evidence"
	"bellwether/agent/ioc"
	"bellwether/profiles"
)

// A hunt looks for indicators in what a run collects: in the content, the names and the digests of items. It may be used by several
// goroutines at once.
type hunt struct {
	set    *ioc.Set
	find   func(evidence.Finding) // keeps a finding
	hashes map[ioc.Type]hashMaker // that the indicators need, beside SHA-256
	counts *hitCounts
}

type hashMaker func() hash.Hash

func newHunt(set *ioc.Set, maxHits int, find func(evidence.Finding)) *hunt {
	h := &hunt{set: set, find: find, hashes: map[ioc.Type]hashMaker{}, counts: newHitCounts(maxHits)}
	for _, i := range set.Indicators() {
		switch i.Type {
		case ioc.MD5:
			h.hashes[ioc.MD5] = md5.New
		case ioc.SHA1:
			h.hashes[ioc.SHA1] = sha1.New
		case ioc.SHA512:
			h.hashes[ioc.SHA512] = sha512.New
		}
	}
	return h
}

// hit counts a hit, and keeps it if there are not too many of its indicator.
func (h *hunt) hit(i *ioc.Indicator, f evidence.Finding) {
	if h.counts.add(i) {
		h.find(f)
	}
}

// taps are what a case shows its items to.
func (h *hunt) taps() []evidence.Tap {
	if len(h.hashes) == 0 {
		return []evidence.Tap{h.tap}
	}
	return []evidence.Tap{h.tap, h.digestTap}
}

// tap scans an item's content as it passes.
func (h *hunt) tap(name string) io.WriteCloser {
	return h.set.Scan(name, func(x ioc.Hit) { h.hit(x.Indicator, findingOf(name, x)) })
}

// digestTap compares an item's digests of the kinds that only lists use; SHA-256 is in the manifest anyway.
func (h *hunt) digestTap(name string) io.WriteCloser {
	t := &digestTap{h: h, name: name}
	for _, make := range h.hashes {
		t.hashes = append(t.hashes, make())
	}
	return t
}

// line looks at the name and the SHA-256 of an item that has got its line in the manifest.
func (h *hunt) line(l evidence.Line) {
	if i := h.set.MatchHash(l.SHA256); i != nil && l.SHA256 != "" {
		h.hit(i, digestFinding(l.Name, i))
	}
	if !profiles.CopiesFiles(l.Collector) || l.Source == "" {
		return
	}
	for _, i := range h.set.MatchName(l.Source) {
		f := indicatorFinding(l.Name, i)
		if f.Name == "" {
			f.Name = l.Source
		}
		f.Text, f.Inside = l.Source, "name"
		h.hit(i, f)
	}
}

func digestFinding(name string, i *ioc.Indicator) evidence.Finding {
	f := indicatorFinding(name, i)
	f.Text, f.Inside = fmt.Sprintf("the file's own %s is %s", i.Type, i.Value), "digest"
	return f
}

// end tells the number of hits of each indicator of which not all are listed.
func (h *hunt) end() {
	for _, c := range h.counts.frequent() {
		if h.counts.max <= 0 || c.n <= h.counts.max {
			continue
		}
		f := indicatorFinding(evidence.CaseFile, c.indicator)
		f.Count = c.n
		f.Text = fmt.Sprintf("%s: %d hits, of which the first %d are listed", c.indicator.Value, c.n, h.counts.max)
		h.find(f)
	}
}

// maxDigested is how much of an item that is no program is digested, in bytes. MD5 is slower than all the rest of the pass, and no list
// holds the digest of a log.
const maxDigested = 1 << 20

// A digestTap computes the digests of programs and of small files.
type digestTap struct {
	h       *hunt
	name    string
	hashes  []hash.Hash
	size    int
	program bool
	off     bool
}

func (t *digestTap) Write(p []byte) (int, error) {
	if t.size == 0 {
		t.program = slices.ContainsFunc(programMagic, func(m string) bool { return bytes.HasPrefix(p, []byte(m)) })
	}
	t.size += len(p)
	if !t.program && t.size > maxDigested {
		t.off = true
	}
	if t.off {
		return len(p), nil
	}
	for _, h := range t.hashes {
		h.Write(p)
	}
	return len(p), nil
}

// programMagic begins what malware comes as: ELF, PE, scripts, zip and its relatives, gzip, PDF, OLE.
var programMagic = []string{"\x7fELF", "MZ", "#!", "PK\x03\x04", "\x1f\x8b", "%PDF", "\xd0\xcf\x11\xe0", "\xca\xfe\xba\xbe", "Rar!", "7z\xbc\xaf"}

func (t *digestTap) Close() error {
	if t.off {
		return nil
	}
	for _, h := range t.hashes {
		if i := t.h.set.MatchHash(hex.EncodeToString(h.Sum(nil))); i != nil {
			t.h.hit(i, digestFinding(t.name, i))
		}
	}
	return nil
}
