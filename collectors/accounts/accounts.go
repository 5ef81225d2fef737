// Package accounts reads the files that say who may use a Linux host: passwd, shadow, group, sudoers and authorized_keys.
//
// The rules that every file keeps: parsers take text, never a path. Lines that they can't read are passed over, as the system's own
// programs do, and counted. What a password is made of never leaves the parser: only how it was made, and whether it lets somebody in.
package accounts

import (
	"strconv"
	"strings"
	"time"
)

// maxEntries bounds what is read of one file.
const maxEntries = 100_000

// An Account is a line of passwd(5).
type Account struct {
	Name     string
	UID, GID uint32
	Gecos    string
	Home     string
	Shell    string
	Password Password
	Line     int // in the file, from 1
}

// ParsePasswd reads passwd(5), and returns how many lines it could not read.
func ParsePasswd(text string) (accounts []Account, bad int) {
	bad = eachEntry(text, 7, func(line int, f []string) bool {
		uid, err1 := strconv.ParseUint(f[2], 10, 32)
		gid, err2 := strconv.ParseUint(f[3], 10, 32)
		if err1 != nil || err2 != nil {
			return false
		}
		accounts = append(accounts, Account{f[0], uint32(uid), uint32(gid), f[4], f[5], f[6], parsePassword(f[1]), line})
		return true
	})
	return accounts, bad
}

// eachEntry hands over the fields of each line, and returns how many lines have another number of them, or were refused.
func eachEntry(text string, fields int, use func(line int, f []string) bool) (bad int) {
	n, used := 0, 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\r\n")
		if line == "" || line[0] == '#' || line[0] == '+' || line[0] == '-' {
			continue // a comment, or a line that asks NIS
		}
		f := strings.Split(line, ":")
		if len(f) != fields || f[0] == "" || used == maxEntries || !use(n, f) {
			bad++
			continue
		}
		used++
	}
	return bad
}

// Logs reports whether the account's shell lets somebody work: an empty one stands for /bin/sh.
func (a Account) Logs() bool {
	switch base := a.Shell[strings.LastIndexByte(a.Shell, '/')+1:]; base {
	case "nologin", "false", "true", "sync", "shutdown", "halt", "git-shell":
		return false
	}
	return true
}

// Service reports whether the account is one of a service and not of a person, by the number that systems begin people with.
func (a Account) Service() bool {
	const firstPerson, nobody = 1000, 65534
	return a.UID != 0 && (a.UID < firstPerson || a.UID == nobody)
}

// A Password is what can be said of a password without saying anything of it.
type Password struct {
	State     string // none, set, locked, shadow: the password is in the other file
	Algorithm string // of one that is set, or that was before it was locked
}

// The states of passwords.
const (
	NoPassword = "none" // it is empty: no password is asked for
	Set        = "set"
	Locked     = "locked" // nothing that is typed fits it
	InShadow   = "shadow"
)

// algorithms are the prefixes of crypt(5).
var algorithms = map[string]string{
	"1": "md5", "2": "bcrypt", "2a": "bcrypt", "2b": "bcrypt", "2x": "bcrypt", "2y": "bcrypt", "3": "nt", "5": "sha256", "6": "sha512",
	"7": "scrypt", "y": "yescrypt", "gy": "gost-yescrypt", "md5": "sunmd5", "sha1": "sha1", "sm3": "sm3", "argon2id": "argon2id",
}

func parsePassword(field string) Password {
	switch {
	case field == "":
		return Password{State: NoPassword}
	case field == "x":
		return Password{State: InShadow}
	case field[0] == '!' || field[0] == '*':
		return Password{State: Locked, Algorithm: algorithm(strings.TrimLeft(field, "!*"))}
	}
	if a := algorithm(field); a != "" {
		return Password{State: Set, Algorithm: a}
	}
	return Password{State: Locked} // no digest that crypt could make
}

// algorithm names what made a digest, "" for what is none.
func algorithm(digest string) string {
	if rest, ok := strings.CutPrefix(digest, "$"); ok {
		id, _, ok := strings.Cut(rest, "$")
		if id, _, _ := strings.Cut(id, ","); ok && algorithms[id] != "" {
			return algorithms[id]
		}
		if ok {
			return "unknown"
		}
		return ""
	}
	switch {
	case len(digest) == 13 && isCrypt(digest):
		return "des"
	case len(digest) == 20 && digest[0] == '_' && isCrypt(digest[1:]):
		return "bsdi-des"
	}
	return ""
}

func isCrypt(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return !(r == '.' || r == '/' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z')
	}) < 0
}

// A Shadow is a line of shadow(5), without its digest.
type Shadow struct {
	Name     string
	Password Password
	Changed  time.Time // the day of the last change; zero where it is not known
	Expires  time.Time // the day that the account ends; zero for never
	MaxAge   int       // days after which the password has to be changed; 0 for never
}

// ParseShadow reads shadow(5), and returns how many lines it could not read.
func ParseShadow(text string) (shadows []Shadow, bad int) {
	bad = eachEntry(text, 9, func(_ int, f []string) bool {
		s := Shadow{Name: f[0], Password: parsePassword(f[1]), Changed: dayOf(f[2]), Expires: dayOf(f[7])}
		if days, err := strconv.Atoi(f[4]); err == nil && days > 0 && days < 99999 {
			s.MaxAge = days
		}
		shadows = append(shadows, s)
		return true
	})
	return shadows, bad
}

// dayOf is a number of days since 1970, the zero time for none.
func dayOf(field string) time.Time {
	const last = 2932896 // the end of the year 9999
	days, err := strconv.ParseInt(field, 10, 64)
	if err != nil || days <= 0 || days > last {
		return time.Time{}
	}
	return time.Unix(days*24*60*60, 0).UTC()
}

// A Group is a line of group(5).
type Group struct {
	Name    string
	GID     uint32
	Members []string
	Line    int
}

// ParseGroup reads group(5), and returns how many lines it could not read.
func ParseGroup(text string) (groups []Group, bad int) {
	bad = eachEntry(text, 4, func(line int, f []string) bool {
		gid, err := strconv.ParseUint(f[2], 10, 32)
		if err != nil {
			return false
		}
		groups = append(groups, Group{f[0], uint32(gid), strings.FieldsFunc(f[3], func(r rune) bool { return r == ',' || r == ' ' }), line})
		return true
	})
	return groups, bad
}
