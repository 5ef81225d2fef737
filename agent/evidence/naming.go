package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

const (
	// maxSegment is the longest segment of a name, in bytes.
	maxSegment = 200
	// maxName is the longest name in a case, in bytes: with the incident, the case and a prefix before it, an S3 key (1,024 bytes)
	// must still hold it.
	maxName = 600
	// maxExtension is the longest ending that a shortened segment keeps, so that x.log.gz stays readable as such.
	maxExtension = 24
)

// A namer gives every item a name of its own. The zero value is not usable: call newNamer.
type namer struct {
	mu    sync.Mutex
	taken map[nameKey]nameOwner
}

// nameKey stands for a name in which case is ignored, nameOwner for what has it. Hashes, so that a case of a million items needs little
// memory.
type (
	nameKey   [16]byte
	nameOwner struct {
		wanted nameKey
		isDir  bool
	}
)

func newNamer() *namer { return &namer{taken: map[nameKey]nameOwner{}} }

// assign turns a wanted name, slash-separated and of any bytes, into a safe one that no other item has. The same directory of the host
// stays the same directory in the case.
func (n *namer) assign(wanted string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	segments := strings.Split(strings.Trim(wanted, "/"), "/")
	if length(segments) > maxName {
		first := safeSegment(segments[0])
		segments = []string{first, "_long", shortHash(wanted, 16), segments[len(segments)-1]}
	}
	name := ""
	for i := range segments {
		name = n.take(name, segments[i], strings.Join(segments[:i+1], "/"), i < len(segments)-1)
	}
	return name
}

// take finds the name for one segment below parent. wanted is the whole path as the host has it.
func (n *namer) take(parent, segment, wanted string, isDir bool) string {
	safe := safeSegment(segment)
	owner := nameOwner{keyOf(wanted), isDir}
	for try := 0; ; try++ {
		candidate := safe
		if try > 0 {
			candidate = withMark(safe, shortHash(wanted+strings.Repeat("\x00", try), 8))
		}
		name := path.Join(parent, candidate)
		key := keyOf(fold(name))
		has, taken := n.taken[key]
		if !taken {
			n.taken[key] = owner
			return name
		}
		if isDir && has == owner {
			return name
		}
	}
}

// length is what the segments will need at the most, marks included.
func length(segments []string) int {
	total := 0
	for _, s := range segments {
		total += len(safeSegment(s)) + len("~12345678/")
	}
	return total
}

// safeSegment makes one segment of a path that Windows and Linux both take as it is, and that shows nothing false on a terminal.
func safeSegment(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if unsafeRune(r, size) {
			r = '_'
		}
		b.WriteRune(r)
		i += size
	}
	safe := b.String()
	if trimmed := strings.TrimRight(safe, ". "); len(trimmed) < len(safe) {
		safe = trimmed + strings.Repeat("_", len(safe)-len(trimmed)) // Windows drops them
	}
	if strings.HasPrefix(safe, " ") || strings.HasPrefix(safe, "-") {
		safe = "_" + safe[1:] // a name must not become an option of the reader's tools
	}
	if safe == "" || deviceName(safe) {
		safe = "_" + safe
	}
	if len(safe) > maxSegment {
		safe = withMark(safe, shortHash(s, 8))
	}
	return safe
}

// SafeName makes one segment of a name that works on every system; a name that does already is returned as it is.
func SafeName(s string) string { return safeSegment(s) }

// unsafeRune reports what Windows refuses in names, what is no UTF-8, and what can't be seen or turns the reading direction.
func unsafeRune(r rune, size int) bool {
	if r == utf8.RuneError && size <= 1 {
		return true
	}
	return strings.ContainsRune(`<>:"|?*\/`, r) || !unicode.IsPrint(r)
}

// deviceName reports whether Windows takes the name for a device, with whatever extension.
func deviceName(s string) bool {
	base, _, _ := strings.Cut(s, ".")
	switch base = strings.ToUpper(strings.TrimRight(base, " ")); base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	port, digit := strings.TrimRight(base, "0123456789¹²³"), ""
	digit = base[len(port):]
	return (port == "COM" || port == "LPT") && utf8.RuneCountInString(digit) == 1
}

// withMark puts ~mark in front of the extension, and shortens the segment where it would become too long.
func withMark(segment, mark string) string {
	ext := extension(segment)
	stem := strings.TrimSuffix(segment, ext)
	room := maxSegment - len(ext) - len(mark) - 1
	for len(stem) > room {
		_, size := utf8.DecodeLastRuneInString(stem)
		stem = stem[:len(stem)-size]
	}
	return stem + "~" + mark + ext
}

// extension is what a reader knows a file by: .gz of x.gz, .log.2.gz of auth.log.2.gz.
func extension(segment string) string {
	from := max(1, len(segment)-maxExtension)
	if from >= len(segment) {
		return ""
	}
	dot := strings.IndexByte(segment[from:], '.')
	if dot < 0 {
		return ""
	}
	return segment[from+dot:]
}

// fold makes names equal that differ only by case.
func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }

func keyOf(s string) nameKey {
	sum := sha256.Sum256([]byte(s))
	return nameKey(sum[:16])
}

func shortHash(s string, digits int) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:digits]
}

// CaseName names the folder of one run: the host, its cloud instance if it has one, and the start in UTC.
func CaseName(hostname, instance, start string) string {
	parts := []string{safeSegment(hostname)}
	if instance != "" {
		parts = append(parts, safeSegment(instance))
	}
	return safeSegment(strings.Join(append(parts, start), "_"))
}
