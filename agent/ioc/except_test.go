package ioc

import (
	"strings"
	"testing"
)

func TestException(t *testing.T) {
	set, err := NewSet([]Indicator{
		{Type: Regex, Value: `(?i)\\psexec\.exe`, Raw: "a", Except: `(?i)sysinternals`},
		{Type: Filename, Value: "dropper.sh", Raw: "b", Except: `^/opt/tools/`},
		{Type: Domain, Value: "evil.example", Raw: "c", Except: "allowed"},
		{Type: Domain, Value: "evil.example", Raw: "d"},
	})
	if err != nil {
		t.Fatal(err)
	}
	text := "C:\\temp\\psexec.exe\nC:\\sysinternals\\psexec.exe\nevil.example allowed\n"
	var lines []int64
	s := set.Scan("x", func(h Hit) { lines = append(lines, h.Line) })
	if _, err := s.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// The second line is excepted; the exception of the third is not shared by the other entry for the same domain.
	if len(lines) != 2 || lines[0] != 1 || lines[1] != 3 {
		t.Errorf("hits in lines %v of\n%s\nwant 1 and 3", lines, text)
	}
	if got := set.MatchName("/tmp/dropper.sh"); len(got) != 1 {
		t.Errorf("a name that is not excepted: %d hits, want 1", len(got))
	}
	if got := set.MatchName("/opt/tools/dropper.sh"); len(got) != 0 {
		t.Errorf("an excepted name: %d hits, want none", len(got))
	}
}

// What breaks a decoder ends the scan of that stream, and nothing else.
func TestScanSurvivesAPanic(t *testing.T) {
	set, err := NewSet([]Indicator{{Type: Domain, Value: "evil.example", Raw: "evil.example"}})
	if err != nil {
		t.Fatal(err)
	}
	err = set.ScanReader(t.Context(), "x", panicking{}, func(Hit) {})
	if err == nil || !strings.Contains(err.Error(), "broke off") {
		t.Errorf("got %v, want the word that the scan broke off", err)
	}
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("index out of range") }
