package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"bellwether/bench/corpus"
)

// A corpusLine is a line of a corpus, and the rank of the indicator that stands in it.
type corpusLine struct {
	path string
	line int
	rank int
}

// A corpusHit is what scan says of a line.
type corpusHit struct {
	Name, Indicator, Text string
	Line                  int
	Source                []string
}

// Every indicator that was planted is found at its file and line, no decoy is, and nothing else that is not verified by hand: in plain
// logs and in .gz, with lists of any length. BELLWETHER_CORPUS_MIB makes the corpus larger than 8 MiB.
func TestScanFindsWhatWasPlanted(t *testing.T) {
	mib, err := strconv.ParseInt(cmp.Or(os.Getenv("BELLWETHER_CORPUS_MIB"), "8"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	plants, err := corpus.Write(dir, corpus.Options{Bytes: mib << 20, Seed: 20261122, Every: 20, Gzip: true})
	if err != nil {
		t.Fatal(err)
	}
	for list, size := range map[string]int{"10": 10, "1k": 1_000, "10k": 10_000, "100k": 100_000} {
		for _, tree := range []string{"plain", "gz"} {
			t.Run(list+"/"+tree, func(t *testing.T) {
				root := filepath.Join(dir, tree)
				found := scanCorpus(t, filepath.Join(dir, "indicators", list+".txt"), root)
				type place struct {
					path string
					line int
				}
				decoys, hits := map[place]bool{}, 0
				for _, p := range plants {
					at := corpusLine{p.Path, p.Line, p.Rank}
					switch _, ok := found[at]; {
					case p.Decoy:
						decoys[place{p.Path, p.Line}] = true
					case p.Rank < size && !ok:
						t.Errorf("missed %s in %s:%d", p.Indicator.Value, at.path, at.line)
					case p.Rank < size:
						hits++
						delete(found, at)
					}
				}
				if hits < len(plants)/5 {
					t.Errorf("the truth holds %d hits of %d planted lines", hits, len(plants))
				}
				for at, hit := range found {
					if decoys[place{at.path, at.line}] || !standsAsWord(hit.Text, hit.Indicator) {
						t.Errorf("%s:%d is no hit of %s: %s", at.path, at.line, hit.Indicator, hit.Text)
					}
				}
			})
		}
	}
}

// scanCorpus returns what scan finds below a folder.
func scanCorpus(t *testing.T, list, root string) map[corpusLine]corpusHit {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run([]string{"scan", "--json", "--iocs", list, root}, strings.NewReader(""), &out, &errs, os.Getenv); code != exitOK {
		t.Fatalf("scan exits with %d: %s", code, errs.String())
	}
	found := map[corpusLine]corpusHit{}
	for d := json.NewDecoder(&out); d.More(); {
		var hit corpusHit
		if err := d.Decode(&hit); err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel(root, hit.Name)
		if err != nil {
			t.Fatal(err)
		}
		// The list has one indicator a line: its line in the list is its rank, from 1.
		if len(hit.Source) != 1 {
			t.Fatalf("%s has the sources %q", hit.Indicator, hit.Source)
		}
		rank, err := strconv.Atoi(strings.TrimPrefix(hit.Source[0], list+":"))
		if err != nil {
			t.Fatal(err)
		}
		at := corpusLine{strings.TrimSuffix(filepath.ToSlash(name), ".gz"), hit.Line, rank - 1}
		if _, twice := found[at]; twice {
			t.Errorf("%s is reported twice in %s:%d", hit.Indicator, at.path, at.line)
		}
		found[at] = hit
	}
	return found
}

// standsAsWord reports whether a line holds a value with nothing beside it that would make it another one. It is what the scan must agree
// with, by other means: it tries every place.
func standsAsWord(line, value string) bool {
	const word = "abcdefghijklmnopqrstuvwxyz0123456789-_"
	plain, err := url.QueryUnescape(line)
	if err != nil {
		plain = line
	}
	text := " " + strings.ToLower(plain) + "  "
	value = strings.ToLower(value)
	for i := range text {
		if i == 0 || !strings.HasPrefix(text[i:], value) || i+len(value)+2 > len(text) {
			continue
		}
		before, after := text[i-1:i], text[i+len(value):]
		if !strings.Contains(word, before) && !strings.Contains(word, after[:1]) && !(after[0] == '.' && strings.Contains(word, after[1:2])) {
			return true
		}
	}
	return false
}

func TestStandsAsWord(t *testing.T) {
	for line, want := range map[string]bool{
		"evil.com": true, "x WWW.Evil.COM.": true, "https%3A%2F%2Fevil.com%2F": true,
		"notevil.com": false, "evil.com.au": false, "evil.com-x": false, "my-evil.com": false, "": false,
	} {
		if got := standsAsWord(line, "evil.com"); got != want {
			t.Error(fmt.Sprintf("%q:", line), got)
		}
	}
}
