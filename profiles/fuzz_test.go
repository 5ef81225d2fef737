package profiles

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// FuzzLoad: no document makes the loader or the planner panic; what is refused is refused with a place, and what loads gives
// a plan whose steps can be told apart and carried out, also on a host whose accounts are hostile.
func FuzzLoad(f *testing.F) {
	seeds, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	ours, err := filepath.Glob("builtin/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(seeds, ours...) {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	host := Host{
		OS:   "linux",
		Vars: map[string]string{"systemroot": `C:\{`},
		Users: []User{
			{"root", "/root"}, {"-x", "/-x"}, {"a b", "/home/*"}, {"..", "/home/../../x"}, {"", ""}, {"R00T", "/ro%user%ot"}, {"null", "/dev/null"},
		},
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l := newLoader()
		l.read = func(file string) ([]byte, error) {
			if file == "fuzz.yaml" {
				return data, nil
			}
			return nil, fs.ErrNotExist
		}
		p := l.load(ref{file: "fuzz.yaml"})
		if err := l.errs.asError(); err != nil {
			var all Errors
			if !errors.As(err, &all) {
				t.Fatalf("%v is not of type Errors", err)
			}
			checkErrors(t, all)
			return
		}
		for _, opt := range []Options{{}, {Since: day, MaxFileSize: 1, NoCommands: true}} {
			plan, err := NewPlan([]*Profile{p}, host, opt)
			if err != nil {
				t.Fatal(err)
			}
			checkPlan(t, plan)
		}
	})
}

func checkErrors(t *testing.T, errs Errors) {
	for _, e := range errs {
		if e.Msg == "" || e.Line < 0 || e.Line > 0 && e.Column < 1 {
			t.Errorf("an error without a place: %+v", e)
		}
		if i := strings.IndexFunc(e.Error(), func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f }); i >= 0 {
			t.Errorf("an error with a control character: %q", e.Error())
		}
	}
}

func checkPlan(t *testing.T, plan *Plan) {
	names, outputs := map[string]bool{}, map[string]bool{}
	for _, s := range plan.Steps {
		if names[s.Name] || s.Name == "" {
			t.Errorf("step %q stands here twice", s.Name)
		}
		names[s.Name] = true
		if s.Collector != Command && s.Collector != Journal {
			for _, glob := range slices.Concat(s.allGlobs(), s.logGlobs()) {
				if !strings.HasPrefix(glob, "/") && !drivePath.MatchString(glob) {
					t.Errorf("step %s: relative path %q", s.Name, glob)
				}
			}
			continue
		}
		if s.Collector != Command && s.Collector != Journal {
			continue // their collectors name what they keep
		}
		if lower := strings.ToLower(s.Output); s.Output == "" || outputs[lower] {
			t.Errorf("step %s: output %q", s.Name, s.Output)
		} else {
			outputs[lower] = true
		}
		if s.Timeout <= 0 || s.MaxOutput <= 0 {
			t.Errorf("step %s: time limit %v, output limit %d", s.Name, s.Timeout, s.MaxOutput)
		}
		if s.Collector == Command && s.Shell == "" && (len(s.Argv) == 0 || s.Argv[0] == "") {
			t.Errorf("step %s runs nothing", s.Name)
		}
	}
	steps := 0
	for _, group := range plan.Groups() {
		steps += len(group)
	}
	if steps != len(plan.Steps) {
		t.Errorf("%d steps in groups, %d in the plan", steps, len(plan.Steps))
	}
}

// FuzzParseSize: a size is never negative, and its number of bytes is read back as the same size.
func FuzzParseSize(f *testing.F) {
	for _, s := range []string{"0", "64MiB", "2GB", "1.5 GiB", "-1", "9223372036854775808", "1,0", "٣MB", "1e3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseSize(s)
		if err != nil {
			return
		}
		if again, err := ParseSize(strconv.FormatInt(n, 10)); n < 0 || err != nil || again != n {
			t.Errorf("ParseSize(%q) = %d, which is read as %d, %v", s, n, again, err)
		}
	})
}

// FuzzParseAge: a length of time is never negative, and what Go prints for it is read back as the same.
func FuzzParseAge(f *testing.F) {
	for _, s := range []string{"0", "90s", "1w2d12h", "14d", "-3d", "106751d23h47m16s854ms775us807ns", "106752d", "1d1d", "1w-1h", "µs"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseAge(s)
		if err != nil {
			return
		}
		if again, err := ParseAge(d.String()); d < 0 || err != nil || again != d {
			t.Errorf("ParseAge(%q) = %v, which is read as %v, %v", s, d, again, err)
		}
	})
}

// FuzzCommandFile: whatever a command line is, its file's name is safe everywhere, also when others have it already.
func FuzzCommandFile(f *testing.F) {
	for _, s := range []string{"ps auxwwf", "", "../../etc/passwd", "con", "ls \x00 ü ＡＢ", strings.Repeat("find / -name x ", 20), "[", "a.txt", "NUL.txt", "k\u212a"} {
		f.Add(s)
	}
	safe := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*\.txt$`)
	reserved := regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])\.`)
	f.Fuzz(func(t *testing.T, line string) {
		taken := outputNames{}
		for _, words := range [][]string{{line}, strings.Split(line, " "), {strings.ToUpper(line)}, {strings.ToLower(line)}} {
			name := taken.take(commandFile(words))
			if !safe.MatchString(name) || reserved.MatchString(name) || len(name) > maxOutputName {
				t.Errorf("%q becomes %q, of %d bytes", words, name, len(name))
			}
		}
		if len(taken) != 4 {
			t.Errorf("%d names for 4 commands of %q", len(taken), line)
		}
	})
}
