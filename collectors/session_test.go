package collectors_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bellwether/collectors"
	"bellwether/collectors/collectorstest"
	"bellwether/profiles"
)

// login is a record of wtmp as x86-64 writes it.
func login(kind byte, pid uint32, line, user, host string, at time.Time) string {
	b := make([]byte, 384)
	b[0] = kind
	binary.LittleEndian.PutUint32(b[4:], pid)
	copy(b[8:], line)
	copy(b[44:], user)
	copy(b[76:], host)
	binary.LittleEndian.PutUint32(b[340:], uint32(at.Unix()))
	return string(b)
}

func gzipped(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// collectState runs one step on a made root.
func collectState(t *testing.T, root string, step profiles.Step) *collectorstest.Sink {
	t.Helper()
	env := collectors.NewEnv(root, quiet())
	sink := &collectorstest.Sink{}
	if step.Name == "" {
		step.Name = "state"
	}
	if err := collectors.Run(context.Background(), &profiles.Plan{Steps: []profiles.Step{step}}, env, sink); err != nil {
		t.Fatal(err)
	}
	return sink
}

func named(t *testing.T, sink *collectorstest.Sink, name string) collectorstest.Kept {
	t.Helper()
	for _, k := range sink.Items() {
		if k.Name == name {
			return k
		}
	}
	t.Fatalf("no item %s", name)
	return collectorstest.Kept{}
}

// rulesFound are the findings as "rule severity line-of-the-table".
func rulesFound(t *testing.T, sink *collectorstest.Sink) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, f := range sink.Findings() {
		line := ""
		if f.Line > 0 {
			line = strings.Split(string(named(t, sink, f.Name).Content), "\n")[f.Line-1]
		}
		out[f.ID+" "+string(f.Severity)] += line + "\n"
	}
	return out
}

func TestSessionReadsRotationsAndKeepsNullRows(t *testing.T) {
	day := time.Date(2025, 3, 1, 10, 0, 0, 0, time.UTC)
	null := strings.Repeat("\x00", 384)
	older := login(7, 10, "pts/0", "alice", "198.51.100.7", day) + login(8, 10, "pts/0", "", "", day.Add(time.Hour))
	newer := login(7, 11, "pts/0", "bob", "203.0.113.9", day.Add(48*time.Hour)) + null + null +
		login(8, 11, "pts/0", "", "", day.Add(50*time.Hour)) + login(7, 12, "pts/1", "eve", "", day.Add(49*time.Hour)) + "cut"
	lastlog := make([]byte, 292*1001)
	binary.LittleEndian.PutUint32(lastlog[292*1000:], uint32(day.Unix()))
	copy(lastlog[292*1000+4:], "pts/0")
	root := collectorstest.Root(t, map[string]string{
		"var/log/wtmp": newer, "var/log/wtmp.1.gz": gzipped(t, older), "var/log/lastlog": string(lastlog), "run/utmp": null,
	})
	if err := os.Chtimes(filepath.Join(root, "var/log/wtmp.1.gz"), day, day); err != nil {
		t.Fatal(err)
	}
	sink := collectState(t, root, profiles.Step{Collector: profiles.Session, Files: []profiles.Role{
		{Name: "utmp", Path: []string{"/run/utmp"}}, {Name: "wtmp", Path: []string{"/var/log/wtmp*"}}, {Name: "lastlog", Path: []string{"/var/log/lastlog"}},
	}})
	wtmp := named(t, sink, "state/logins-wtmp.txt")
	want := []string{"TIME", "alice", "dead", "bob", "null x2", "dead", "eve"}
	lines := strings.Split(strings.TrimSpace(string(wtmp.Content)), "\n")
	if len(lines) != len(want) {
		t.Fatalf("got\n%s\nwant a line each with %q", wtmp.Content, want)
	}
	for i, w := range want {
		if !strings.Contains(lines[i], w) {
			t.Errorf("line %d is %q, want it to have %q", i+1, lines[i], w)
		}
	}
	if !strings.Contains(wtmp.Reason, "ends with 3 bytes of a record of 384") {
		t.Errorf("reason %q", wtmp.Reason)
	}
	sessions := string(named(t, sink, "state/sessions.txt").Content)
	for _, w := range []string{"1h0m0s  logout  alice", "50h0m0s", "eve"} {
		if w == "50h0m0s" {
			w = "2h0m0s  logout  bob"
		}
		if !strings.Contains(sessions, w) {
			t.Errorf("no %q in\n%s", w, sessions)
		}
	}
	if last := string(named(t, sink, "state/lastlog.txt").Content); !strings.Contains(last, "1000  2025-03-01T10:00:00Z  pts/0") {
		t.Errorf("lastlog is\n%s", last)
	}
	got := rulesFound(t, sink)
	for rule, line := range map[string]string{"utmp-wiped-row high": "null x2", "utmp-wiped-row medium": "null", "utmp-odd-time low": "eve"} {
		if !strings.Contains(got[rule], line) {
			t.Errorf("%s is found in %q, want %q", rule, got[rule], line)
		}
	}
}
