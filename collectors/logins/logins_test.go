package logins

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// write is the reverse of parse, for one of the two lengths.
func write(r Record, size int) []byte {
	b := make([]byte, size)
	le := binary.LittleEndian
	le.PutUint16(b, uint16(r.Type))
	le.PutUint32(b[4:], uint32(r.PID))
	copy(b[8:40], r.Line)
	copy(b[40:44], r.ID)
	copy(b[44:76], r.User)
	copy(b[76:332], r.Host)
	le.PutUint16(b[332:], uint16(r.Termination))
	le.PutUint16(b[334:], uint16(r.Exit))
	to := b[348:364]
	if size == size32 {
		le.PutUint32(b[336:], uint32(r.Session))
		if !r.Time.IsZero() {
			le.PutUint32(b[340:], uint32(r.Time.Unix()))
			le.PutUint32(b[344:], uint32(r.Time.Nanosecond()/1000))
		}
	} else {
		le.PutUint64(b[336:], uint64(r.Session))
		if !r.Time.IsZero() {
			le.PutUint64(b[344:], uint64(r.Time.Unix()))
			le.PutUint64(b[352:], uint64(r.Time.Nanosecond()/1000))
		}
		to = b[360:376]
	}
	if r.Addr.IsValid() {
		copy(to, r.Addr.AsSlice())
	}
	return b
}

func day(d, h int) time.Time { return time.Date(2025, 3, d, h, 4, 5, 678901000, time.UTC) }

var records = []Record{
	{Type: BootTime, Line: "~", ID: "~~", User: "reboot", Host: "6.1.0-30-amd64", Time: day(1, 8)},
	{Type: RunLevel, PID: '5', Line: "~", ID: "~~", User: "runlevel", Host: "6.1.0-30-amd64", Time: day(1, 9)},
	{Type: LoginProcess, PID: 701, Line: "tty1", ID: "tty1", User: "LOGIN", Time: day(1, 9)},
	{Type: UserProcess, PID: 812, Line: "pts/0", ID: "ts/0", User: "alice", Host: "198.51.100.7", Session: 812, Time: day(2, 10), Addr: netip.MustParseAddr("198.51.100.7")},
	{Type: UserProcess, PID: 813, Line: "pts/1", ID: "ts/1", User: "zoë", Host: "host.example.org", Time: day(2, 11), Addr: netip.MustParseAddr("2001:db8::42")},
	{Null: true},
	{Type: DeadProcess, PID: 812, Line: "pts/0", Termination: 1, Exit: 2, Time: day(2, 12)},
	{Type: UserProcess, PID: 815, Line: "pts/0", ID: "ts/0", User: "averyveryverylongaccountname1234", Host: strings.Repeat("h", 255), Time: day(2, 13)},
	{Type: RunLevel, PID: '6', Line: "~", ID: "~~", User: "shutdown", Host: "6.1.0-30-amd64", Time: day(3, 14)},
	{Type: BootTime, Line: "~", ID: "~~", User: "reboot", Host: "6.1.0-30-amd64", Time: day(3, 15)},
	{Type: UserProcess, PID: 900, Line: "pts/3", ID: "ts/3", User: "bob", Host: "203.0.113.9", Time: day(3, 16), Addr: netip.MustParseAddr("203.0.113.9")},
	{Type: BootTime, Line: "~", ID: "~~", User: "reboot", Host: "6.1.0-31-amd64", Time: day(4, 1)},
}

func file(rs []Record, size int) []byte {
	var b bytes.Buffer
	for _, r := range rs {
		b.Write(write(r, size))
	}
	return b.Bytes()
}

func readAll(t testing.TB, r *Reader) []Record {
	t.Helper()
	var out []Record
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, rec)
	}
}

var asWritten = cmp.Options{cmpopts.EquateComparable(netip.Addr{})}

func TestRecordsOfBothLengths(t *testing.T) {
	late := Record{Type: UserProcess, PID: 1, Line: "pts/9", User: "late", Time: time.Date(2080, 1, 2, 3, 4, 5, 0, time.UTC)}
	want := append(slices.Clone(records), late)
	for _, size := range []int{size32, size64} {
		r, err := NewReader(bytes.NewReader(append(file(want, size), "a cut record"...)))
		if err != nil {
			t.Fatal(err)
		}
		if r.RecordSize() != size {
			t.Errorf("record size %d, want %d", r.RecordSize(), size)
		}
		if diff := cmp.Diff(want, readAll(t, r), asWritten); diff != "" {
			t.Errorf("size %d (-want +got):\n%s", size, diff)
		}
		if r.Tail() != len("a cut record") || r.Row() != int64(len(want))-1 {
			t.Errorf("size %d: tail %d, last row %d", size, r.Tail(), r.Row())
		}
	}
}

func TestTextBehindTheNull(t *testing.T) {
	b := write(Record{Type: UserProcess, User: "mallory", Line: "pts/0", Time: day(1, 1)}, size32)
	copy(b[44:], "bob\x00")
	if r := parse(b); r.User != "bob" || !r.Hidden {
		t.Errorf("user %q, hidden %v", r.User, r.Hidden)
	}
}

// dump prints a record as utmpdump of util-linux does.
func dump(r Record) string {
	addr, when := "0.0.0.0", "1970-01-01T00:00:00,000000+00:00"
	if r.Addr.IsValid() {
		addr = r.Addr.String()
	}
	if !r.Time.IsZero() {
		when = r.Time.Format("2006-01-02T15:04:05,000000-07:00")
	}
	printable := func(s string) string {
		return strings.Map(func(c rune) rune {
			if c < ' ' || c > '~' {
				return '?'
			}
			return c
		}, strings.ToValidUTF8(s, "?"))
	}
	return strings.Join(strings.Fields(fmt.Sprintf("[%d] [%05d] [%s] [%s] [%s] [%s] [%s] [%s]", r.Type, r.PID,
		printable(r.ID), printable(r.User), printable(r.Line), printable(r.Host), addr, when)), " ")
}

var blanks = regexp.MustCompile(` +\]`)

// runTool runs a tool of Debian's util-linux on a wtmp of the test's records.
func runTool(t *testing.T, name string, args ...string) []string {
	t.Helper()
	tool, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s of util-linux is not installed", name)
	}
	path := filepath.Join(t.TempDir(), "wtmp")
	if err := os.WriteFile(path, file(records, nativeSize(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(tool, append(args, path)...)
	cmd.Env = []string{"TZ=UTC", "LC_ALL=C.UTF-8"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines
}

func TestSameAsUtmpdump(t *testing.T) {
	got := runTool(t, "utmpdump")
	nonASCII := regexp.MustCompile(`zo(\?+|..?) *\]`)
	if len(got) != len(records) {
		t.Fatalf("utmpdump prints %d lines of %d records: %q", len(got), len(records), got)
	}
	for i, r := range records {
		line := strings.Join(strings.Fields(blanks.ReplaceAllString(got[i], "]")), " ")
		line = strings.ReplaceAll(line, "[ ]", "[]")
		line, want := nonASCII.ReplaceAllString(line, "zo]"), nonASCII.ReplaceAllString(dump(r), "zo]")
		if line != want {
			t.Errorf("record %d:\nutmpdump %s\nwe       %s", i, line, want)
		}
	}
}

func TestSameAsLast(t *testing.T) {
	// Fields: user, line, host, then "Sun Mar  2 10:04:05 2025", "-", and the end.
	var want []string
	for _, line := range runTool(t, "last", "-F", "-w", "-f") {
		f := strings.Fields(line)
		if len(f) < 9 || f[0] == "reboot" || f[0] == "wtmp" {
			continue
		}
		want = append(want, strings.Join(f, " "))
	}
	slices.Reverse(want)
	const layout = "Mon Jan 2 15:04:05 2006"
	var p Pairer
	var sessions []Session
	for i, r := range records {
		sessions = append(sessions, p.Add("wtmp", int64(i), r)...)
	}
	sessions = append(sessions, p.Close()...)
	slices.SortStableFunc(sessions, func(a, b Session) int { return int(a.Row - b.Row) })
	if len(sessions) != len(want) || len(want) == 0 {
		t.Fatalf("last prints %d sessions, we have %d:\n%s\n%+v", len(want), len(sessions), strings.Join(want, "\n"), sessions)
	}
	for i, s := range sessions {
		end := s.To.Format(layout)
		if s.End == Crash || s.End == Down {
			end = string(s.End)
		}
		got := fmt.Sprintf("%s %s %s %s - %s (%s)", s.User, s.Line, s.Host, s.From.Format(layout), end, length(s.To.Sub(s.From)))
		if got != want[i] {
			t.Errorf("session %d:\nlast %s\nwe   %s", i, want[i], got)
		}
	}
}

// length prints a length of time as last does: 1+02:03.
func length(d time.Duration) string {
	m := int(d / time.Minute)
	if m >= 24*60 {
		return fmt.Sprintf("%d+%02d:%02d", m/60/24, m/60%24, m%60)
	}
	return fmt.Sprintf("%02d:%02d", m/60, m%60)
}

func TestLastlogIsReadWhereItHasData(t *testing.T) {
	for _, size := range []int64{last32, last64} {
		data := make([]byte, 3000*size)
		put := func(uid int64, when time.Time, line, host string) {
			b := data[uid*size:]
			head := int64(4)
			if size == last64 {
				binary.LittleEndian.PutUint64(b, uint64(when.Unix()))
				head = 8
			} else {
				binary.LittleEndian.PutUint32(b, uint32(when.Unix()))
			}
			copy(b[head:], line)
			copy(b[head+32:], host)
		}
		put(0, day(1, 1), "tty1", "")
		put(1000, day(2, 2), "pts/0", "198.51.100.7")
		put(2999, day(3, 3), "pts/1", "2001:db8::42")
		const block = 4096
		end := int64(len(data))
		spans := []Span{{0, block}, {1000 * size / block * block, 2 * block}, {end / block * block, end % block}}
		var got []Last
		if err := EachLast(bytes.NewReader(data), spans, func(l Last) error { got = append(got, l); return nil }); err != nil {
			t.Fatal(err)
		}
		trim := func(d time.Time) time.Time { return d.Truncate(time.Second) }
		want := []Last{{0, trim(day(1, 1)), "tty1", ""}, {1000, trim(day(2, 2)), "pts/0", "198.51.100.7"}, {2999, trim(day(3, 3)), "pts/1", "2001:db8::42"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("size %d (-want +got):\n%s", size, diff)
		}
	}
}

func FuzzRecord(f *testing.F) {
	f.Add(file(records, size32))
	f.Add(file(records, size64))
	f.Add([]byte{7})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		var p Pairer
		rows, began := 0, 0
		for _, rec := range readAll(t, r) {
			rows++
			if !rec.Null && !rec.Hidden && rec.Type >= Empty && rec.Type <= Accounting {
				again := parse(write(rec, r.RecordSize()))
				if diff := cmp.Diff(rec, again, asWritten); diff != "" && !again.Null {
					t.Errorf("written and read again (-first +second):\n%s", diff)
				}
			}
			began += len(p.Add("wtmp", int64(rows), rec))
		}
		began += len(p.Close())
		if rows*r.RecordSize()+r.Tail() != len(b) {
			t.Errorf("%d rows of %d and a tail of %d are not %d bytes", rows, r.RecordSize(), r.Tail(), len(b))
		}
		if began > rows {
			t.Errorf("%d sessions of %d rows", began, rows)
		}
	})
}

func FuzzLastlog(f *testing.F) {
	f.Add(make([]byte, 600), int64(0), int64(600))
	f.Add(bytes.Repeat([]byte("x"), 900), int64(-5), int64(1<<62))
	f.Fuzz(func(t *testing.T, b []byte, offset, length int64) {
		if length > int64(len(b))*2 || offset > int64(len(b)) {
			return // spans are asked of the file system
		}
		last := int64(-1)
		err := EachLast(bytes.NewReader(b), []Span{{offset, length}, {offset, length}}, func(l Last) error {
			if int64(l.UID) <= last {
				t.Errorf("uid %d after %d", l.UID, last)
			}
			last = int64(l.UID)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
