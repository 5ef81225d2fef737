package ioc

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Words in the name of a list of Loki or THOR, and what the list holds. The first that is found counts.
var lokiKinds = []struct{ word, kind string }{
	{"trusted-hash", "trusted"}, {"falsepositive", "trusted"}, {"false-positive", "trusted"}, {"filename", "filename"}, {"hash", "hash"},
	{"c2", "c2"}, {"domains", "c2"}, {"keyword", "keyword"}, {"pipes", "pipe"}, {"handles", "handle"},
}

// lokiKind tells by the name of a list what it holds; "" if the name tells nothing. Only lists that are called iocs, or that end in
// one of the words, are Loki's.
func lokiKind(name string) string {
	stem, _, _ := strings.Cut(baseName(name), ".txt")
	for _, k := range lokiKinds {
		at := strings.LastIndex(stem, k.word)
		isLast := at >= 0 && len(stem)-at-len(k.word) <= len("es")
		if hasWord(stem, k.word) && (isLast || k.kind == "trusted" || strings.Contains(stem, "-ioc")) {
			return k.kind
		}
	}
	return ""
}

// hasWord reports whether s has the word, in the singular or plural, between its ends and what are no letters.
func hasWord(s, word string) bool {
	for at := 0; ; {
		i := strings.Index(s[at:], word)
		if i < 0 {
			return false
		}
		start, end := at+i, at+i+len(word)
		rest := strings.TrimPrefix(strings.TrimPrefix(s[end:], "es"), "s")
		if (start == 0 || !isAlnum(s[start-1])) && (rest == "" || !isAlnum(rest[0])) {
			return true
		}
		at = end
	}
}

var (
	lokiHash = regexp.MustCompile(`^(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64});`)
	lokiName = regexp.MustCompile(`^[^;]+;\s*-?\d{1,3}\s*(?:;|$)`)
)

// looksLikeLoki reports whether most lines are hash;comment or regex;score.
func looksLikeLoki(sample []string) bool {
	hashes, names := 0, 0
	for _, line := range sample {
		field, _, _ := strings.Cut(line, ";")
		switch {
		case lokiHash.MatchString(line):
			hashes++
		case lokiName.MatchString(line) && !isStrong(field) && typeOfWord(field) == "":
			names++
		}
	}
	return 10*(hashes+names) > 8*len(sample)
}

// readLoki reads a list of the signature-base. Its fields are divided by semicolons; a comment tells about the lines after it.
func readLoki(l *loader, data []byte) {
	kind, note := lokiKind(l.name), ""
	if kind == "trusted" {
		l.broken(1, errors.New("lists what is trusted, and so no indicators"))
		return
	}
	n := 0
	for raw := range bytes.Lines(data) {
		n++
		line := strings.TrimSpace(string(raw))
		switch {
		case l.full():
			return
		case line == "":
			note = ""
		case line[0] == '#':
			note = strings.TrimSpace(strings.TrimLeft(line, "# "))
		case len(line) > maxListLine:
			l.fail(place{line: n}, fmt.Errorf("%d bytes are too long for a line", len(line)))
		default:
			ind, err := parseLoki(kind, line)
			if ind.Comment == "" {
				ind.Comment = note
			}
			ind.Raw = line
			l.add(place{line: n}, ind, err)
		}
	}
}

func parseLoki(kind, line string) (Indicator, error) {
	switch kind {
	case "keyword":
		return parseValue(String, line)
	case "pipe":
		return parseValue(String, firstField(line))
	case "handle":
		return parseValue(Mutex, firstField(line))
	case "c2":
		value := firstField(line)
		t, v := guess(value)
		if t == Filename || t == String {
			t = Domain
		}
		ind, err := parseValue(t, v)
		_, note, _ := strings.Cut(line, ";")
		ind.Comment = cutText(strings.TrimSpace(note), maxNote)
		return ind, err
	case "hash":
		return parseLokiHash(line)
	case "filename":
		return parseLokiName(line)
	}
	if lokiHash.MatchString(line) {
		return parseLokiHash(line)
	}
	return parseLokiName(line)
}

func firstField(line string) string {
	field, _, _ := strings.Cut(line, ";")
	return strings.TrimSpace(field)
}

// parseLokiHash reads hash;comment or hash;score;comment.
func parseLokiHash(line string) (Indicator, error) {
	value, rest, _ := strings.Cut(line, ";")
	value = strings.TrimSpace(value)
	ind, err := parseValue(digestType(value), value)
	if digestType(value) == "" {
		return ind, fmt.Errorf("%q is no digest of MD5, SHA-1, SHA-256 or SHA-512", cutText(value, maxNote))
	}
	if score, comment, ok := strings.Cut(rest, ";"); ok {
		if n, err := strconv.Atoi(strings.TrimSpace(score)); err == nil {
			ind.Score, rest = n, comment
		}
	}
	ind.Comment = strings.TrimSpace(rest)
	return ind, err
}

// parseLokiName reads regex;score or regex;score;regex of false positives.
func parseLokiName(line string) (Indicator, error) {
	fields := strings.SplitN(line, ";", 3)
	ind, err := parseValue(Regex, fields[0])
	if err != nil {
		return ind, err
	}
	if len(fields) > 1 {
		score := strings.TrimSpace(fields[1])
		if ind.Score, err = strconv.Atoi(score); err != nil {
			return ind, fmt.Errorf("%q is no score: the form is regex;score;regex of false positives", cutText(score, maxNote))
		}
	}
	if len(fields) > 2 && strings.TrimSpace(fields[2]) != "" {
		ind.Except = strings.TrimSpace(fields[2])
		if len(ind.Except) > maxValue {
			return ind, fmt.Errorf("the regex of false positives has more than %d bytes", maxValue)
		}
		if _, err := regexp.Compile(ind.Except); err != nil {
			return ind, fmt.Errorf("false positives: %w", err)
		}
	}
	return ind, nil
}
