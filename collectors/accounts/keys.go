package accounts

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
)

// A Key is a line of authorized_keys, see sshd(8).
type Key struct {
	Options     string
	Type        string // as the key itself says
	Fingerprint string // SHA256:… as ssh-keygen -l prints it
	Comment     string
	Line        int
}

// ParseKeys reads authorized_keys, and returns how many lines it could not read.
func ParseKeys(text string) (keys []Key, bad int) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		k, ok := parseKey(line)
		if !ok || len(keys) == maxEntries {
			bad++
			continue
		}
		k.Line = n
		keys = append(keys, k)
	}
	return keys, bad
}

func parseKey(line string) (Key, bool) {
	if k, ok := parseBare(line); ok {
		return k, true
	}
	end := endOfOptions(line)
	k, ok := parseBare(strings.TrimLeft(line[end:], " \t"))
	k.Options = line[:end]
	return k, ok
}

// endOfOptions is where the first blank outside quotes stands.
func endOfOptions(line string) int {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '\\' && i+1 < len(line) && line[i+1] == '"':
			i++
		case line[i] == '"':
			quoted = !quoted
		case (line[i] == ' ' || line[i] == '\t') && !quoted:
			return i
		}
	}
	return len(line)
}

// parseBare reads a key without options: type, base64, comment.
func parseBare(line string) (Key, bool) {
	name, rest := cutBlank(line)
	text, comment := cutBlank(rest)
	blob, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return Key{}, false
	}
	kind, ok := kindOfKey(blob)
	if !ok || !sameKind(name, kind) {
		return Key{}, false
	}
	sum := sha256.Sum256(blob)
	return Key{Type: kind, Fingerprint: "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:]), Comment: comment}, true
}

// sameKind compares the type that stands before a key with the one in it: RSA keys may be announced by the digest they sign with.
func sameKind(name, kind string) bool {
	return name == kind || kind == "ssh-rsa" && slices.Contains([]string{"rsa-sha2-256", "rsa-sha2-512"}, name)
}

func cutBlank(s string) (first, rest string) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimLeft(s[i:], " \t")
}

// kindOfKey is the string that a key of RFC 4253 begins with.
func kindOfKey(blob []byte) (string, bool) {
	if len(blob) < 4 {
		return "", false
	}
	n := binary.BigEndian.Uint32(blob)
	if n == 0 || n > 64 || int(n) > len(blob)-4 {
		return "", false
	}
	return string(blob[4 : 4+n]), true
}
