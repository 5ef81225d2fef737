package logins

import (
	"slices"
	"time"
)

// An End is how a session ended.
type End string

// The ends of sessions.
const (
	Logout  End = "logout"
	Crash   End = "crash"  // the system came up again without having gone down
	Down    End = "down"   // the system was shut down
	Unknown End = "open"   // no record tells of an end: it goes on, or its end was not recorded
	NoMatch End = "no end" // more sessions were open at once than are held
)

// A Session is a login with its end, as last(1) pairs them.
type Session struct {
	User, Line, Host string
	PID              int32
	Addr             string
	From             time.Time
	To               time.Time // zero where the end is not known
	End              End
	File             string // that the login stands in
	Row              int64  // of the login in it
}

// maxOpen bounds the sessions that are open at once.
const maxOpen = 10_000

// A Pairer makes sessions of records in the order of a wtmp. The zero value is ready.
type Pairer struct {
	open  map[string]Session // by line
	order []string           // of lines, so that the sessions of one end come in the order of their beginnings
}

// Add takes the next record, with the file and the row that it stands in, and returns the sessions that end with it.
func (p *Pairer) Add(file string, row int64, r Record) []Session {
	switch kind(r) {
	case kindBoot:
		return p.endAll(r.Time, Crash)
	case kindShutdown:
		return p.endAll(r.Time, Down)
	case kindUser:
		return p.login(file, row, r)
	case kindDead:
		return p.end(r.Line, r.Time, Logout)
	}
	return nil
}

// Close returns the sessions that no record ends.
func (p *Pairer) Close() []Session { return p.endAll(time.Time{}, Unknown) }

func (p *Pairer) login(file string, row int64, r Record) []Session {
	ended := p.end(r.Line, r.Time, Logout)
	s := Session{User: r.User, Line: r.Line, Host: r.Host, PID: r.PID, From: r.Time, File: file, Row: row, End: Unknown}
	if r.Addr.IsValid() {
		s.Addr = r.Addr.String()
	}
	if len(p.open) >= maxOpen {
		s.End = NoMatch
		return append(ended, s)
	}
	if p.open == nil {
		p.open = map[string]Session{}
	}
	p.open[r.Line] = s
	p.order = append(p.order, r.Line)
	if len(p.order) > 2*maxOpen {
		p.compact()
	}
	return ended
}

// compact forgets lines whose sessions have ended.
func (p *Pairer) compact() {
	var order []string
	seen := map[string]bool{}
	for i := len(p.order) - 1; i >= 0; i-- {
		line := p.order[i]
		if _, ok := p.open[line]; ok && !seen[line] {
			order = append(order, line)
			seen[line] = true
		}
	}
	slices.Reverse(order)
	p.order = order
}

func (p *Pairer) end(line string, to time.Time, how End) []Session {
	s, ok := p.open[line]
	if !ok {
		return nil
	}
	delete(p.open, line)
	s.To, s.End = to, how
	return []Session{s}
}

func (p *Pairer) endAll(to time.Time, how End) []Session {
	p.compact()
	var ended []Session
	for _, line := range p.order {
		ended = append(ended, p.end(line, to, how)...)
	}
	p.order = nil
	return ended
}

type recordKind int

const (
	kindOther recordKind = iota
	kindBoot
	kindShutdown
	kindUser
	kindDead
)

// kind tells what a record stands for where the type alone doesn't: as last(1) of util-linux does, for programs that set the type wrongly.
func kind(r Record) recordKind {
	switch {
	case r.Null || r.Type == OldTime || r.Type == NewTime:
		return kindOther
	case len(r.Line) > 0 && r.Line[0] == '~':
		return kindOfSystem(r)
	case r.Type == BootTime:
		return kindBoot
	case r.Line == "":
		return kindOther
	case r.Type != DeadProcess && r.User != "" && r.User != "LOGIN":
		return kindUser
	case r.User == "" || r.Type == DeadProcess:
		return kindDead
	}
	return kindOther
}

func kindOfSystem(r Record) recordKind {
	switch r.User {
	case "shutdown":
		return kindShutdown
	case "reboot":
		return kindBoot
	}
	if r.Type == BootTime {
		return kindBoot
	}
	// A run level of 0 is halt, of 6 reboot.
	if level := byte(r.PID); r.Type == RunLevel && (level == '0' || level == '6') {
		return kindShutdown
	}
	return kindOther
}
