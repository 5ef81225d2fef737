package profiles

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
)

// maxOutputName bounds the last segment of an output's name, in bytes.
const maxOutputName = 100

// commandFile returns the name of a command's file, after its command line: `ps auxwwf` is PsAuxwwf.txt. It has letters,
// digits, dashes and one dot, is never empty and at most maxOutputName bytes long.
func commandFile(words []string) string {
	name := camelCase(words)
	if name == "" || slices.Contains(reservedNames, strings.ToLower(name)) {
		name = "Command" + name
	}
	const suffix = ".txt"
	if most := maxOutputName - len(suffix) - maxCounter; len(name) > most {
		sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
		hash := "-" + hex.EncodeToString(sum[:4])
		name = name[:most-len(hash)] + hash
	}
	return name + suffix
}

// maxCounter is room for what tells two commands of one name apart: -2, -3 and so on.
const maxCounter = len("-9999999")

// reservedNames mean devices on Windows, whatever their extension.
var reservedNames = []string{
	"con", "prn", "aux", "nul", "clock",
	"com0", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
	"lpt0", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
}

// camelCase joins the runs of ASCII letters and digits of the words, each with its first letter in upper case.
func camelCase(words []string) string {
	var b strings.Builder
	for _, word := range words {
		start := true
		for _, r := range word {
			if r >= unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
				start = true
				continue
			}
			if start {
				r = unicode.ToUpper(r)
			}
			b.WriteRune(r)
			start = false
		}
	}
	return b.String()
}

// outputNames gives out names that differ from each other by more than case.
type outputNames map[string]bool

// take returns the name itself, or with a number before its extension if it is taken already.
func (taken outputNames) take(name string) string {
	ext := path.Ext(name)
	for n, try := 2, name; ; n++ {
		if lower := strings.ToLower(try); !taken[lower] {
			taken[lower] = true
			return try
		}
		try = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), n, ext)
	}
}

// nameOutputs sets Output of the command and journal steps, in their order, so that one plan always gets the same names.
func nameOutputs(steps []Step) {
	taken := outputNames{}
	journals := 0
	for i := range steps {
		s := &steps[i]
		switch s.Collector {
		case Command:
			s.Output = taken.take("commands/" + s.Area + "/" + commandFile(commandWords(*s)))
		case Journal:
			journals++
			name := "Journal.txt"
			if journals > 1 {
				name = "Journal" + commandFile([]string{s.Name})
			}
			s.Output = taken.take("events/" + name)
		}
	}
}

// commandWords returns what the name of a command's output is made from.
func commandWords(s Step) []string {
	if s.Shell != "" {
		return []string{s.Shell}
	}
	words := slices.Clone(s.Argv)
	if len(words) > 0 {
		words[0] = programName(words[0])
	}
	return words
}

// programName returns the name that a program is known by.
func programName(argv0 string) string {
	return strings.TrimSuffix(path.Base(strings.ReplaceAll(argv0, `\`, "/")), ".exe")
}
