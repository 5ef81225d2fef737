package evidence

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"bellwether/collectors/anomaly"
)

// The kinds of findings.
const (
	IOC     = "ioc"
	Anomaly = "anomaly"
)

// A Finding is a line of findings.jsonl: an indicator that was found, or a state of the host that is suspicious in itself.
type Finding struct {
	Time      time.Time `json:"time"`
	Kind      string    `json:"kind"`
	Indicator string    `json:"indicator,omitempty"`
	Type      string    `json:"type,omitempty"`
	Source    []string  `json:"source,omitempty"` // the lists that the indicator stands in, as file:line
	Comment   string    `json:"comment,omitempty"`
	Score     int       `json:"score,omitempty"` // as the list gives it
	Rule      string    `json:"rule,omitempty"`
	Severity  string    `json:"severity"` // info, low, medium, high
	Attack    []string  `json:"attack,omitempty"`
	Name      string    `json:"name"` // the item in the case
	Line      int64     `json:"line,omitempty"`
	Offset    int64     `json:"offset"` // in bytes, in the content as it was unpacked
	Text      string    `json:"text"`
	Inside    string    `json:"inside,omitempty"` // gzip, base64 …; name or digest where it isn't the content that matches
	Member    string    `json:"member,omitempty"` // of an archive
	Count     int64     `json:"count,omitempty"`  // of all hits of an indicator, where not all are listed

	Evidence map[string]string `json:"evidence,omitempty"` // of an anomaly: pid, exe, path …
}

// findings are the two books that findings go to: for machines, and for people.
type findings struct {
	jsonl *book
	hits  *book
	n     atomic.Int64
}

// Find keeps a finding. Its time is set, and its text made readable.
func (c *Case) Find(f Finding) error {
	f.Time = c.opt.Now().UTC()
	f.Text = valid(f.Text)
	b, err := encode(f)
	if err != nil {
		return fmt.Errorf("encoding a finding in %s: %w", f.Name, err)
	}
	if _, err := c.findings.jsonl.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("writing %s: %w", FindingsFile, err)
	}
	c.findings.n.Add(1)
	if c.opt.OnFinding != nil {
		c.opt.OnFinding(f)
	}
	if _, err := c.findings.hits.Write([]byte(HitLine(f.Place(), f.Line, f.Text))); err != nil {
		return fmt.Errorf("writing %s: %w", HitsFile, err)
	}
	return nil
}

// Anomaly implements [collectors.AnomalySink].
func (c *Case) Anomaly(f anomaly.Finding, name string, line int64) error {
	values := make(map[string]string, len(f.Evidence))
	for k, v := range f.Evidence {
		values[k] = valid(v)
	}
	return c.Find(Finding{
		Kind: Anomaly, Rule: f.ID, Severity: string(f.Severity), Attack: f.Attack, Name: name, Line: line, Text: f.Text, Evidence: values,
	})
}

// Place names the item, and the archive's member after an exclamation mark.
func (f Finding) Place() string {
	if f.Member == "" {
		return f.Name
	}
	return f.Name + "!" + f.Member
}

// HitLine is a finding as grep -n prints it, with its newline. Control characters, which could drive a terminal, are shown as \xNN.
func HitLine(name string, line int64, text string) string {
	return Printable(name) + ":" + strconv.FormatInt(line, 10) + ":" + Printable(text) + "\n"
}

// Printable shows what a terminal would act on, and what is no UTF-8, as \xNN.
func Printable(s string) string {
	if !strings.ContainsFunc(s, acts) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if acts(r) || (r == utf8.RuneError && size == 1) {
			for _, c := range []byte(s[i : i+size]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		} else {
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

func acts(r rune) bool {
	return r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r))
}
