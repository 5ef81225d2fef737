package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"bellwether/agent/evidence"
	"bellwether/agent/ioc"
	"bellwether/profiles"

	"github.com/dustin/go-humanize"
	"golang.org/x/term"
)

// All words for people stand in this file, and those of --help in help.go. Results go to stdout, everything else to stderr.

// What to type next.
const (
	hintDestination = "check the destination with: bellwether doctor --to DEST"
	hintFloor       = "choose another destination with --to, or lower the floor with --min-free 1%"
	hintS3          = "give --s3-region and --s3-credentials FILE, or set AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	hintAzure       = "give --azure-sas FILE with a SAS token that has c (create), or write it into AZURE_STORAGE_SAS_TOKEN"
	hintTicket      = "ask who sent you the file for a new one; whoever owns the bucket makes it with: bellwether presign s3://bucket/IR-7"
	hintPresign     = "add --archive, or ask for the form of a POST policy: bellwether presign s3://bucket/IR-7 > policy.json"
	hintSecret      = "write the URL into a file of your own (chmod 600), and give --to @FILE, or --to @- for standard input"
	hintProfiles    = "bellwether profiles list shows the built-in profiles; bellwether profiles check FILE checks your own"
	hintIndicators  = "one indicator a line: 203.0.113.7, evil.example, hxxp://evil[.]example/x, a hash, or TYPE:VALUE; # begins a comment"
	hintBusy        = "let it end, or end it with: kill PID; or start this one with --wait 30m"
	hintPrivileges  = "run it as root (sudo), or from an elevated prompt"
	hintIncomplete  = "the run was cut off: what is named as intact can be used; run collect again for the rest"
	hintTampered    = "don't rely on this copy; compare the seal with the one in the log of SSM, Azure or the terminal, and fetch the case again"
	hintIdentity    = "give the private key, on your own machine: -i key.txt (of age), or -i ~/.ssh/id_ed25519"
	hintDiffers     = "choose another folder with -o, or look at the two with: bellwether verify"
	noteStored      = "note: only what is stored was checked; what it holds, only a private key shows: -i FILE"
	noteUnsealed    = "note: whole in itself; that it is the case that the run made, only the seal from the run's own output shows: --seal HEX"
	hintInterrupted = "a run keeps what it had collected until then; anything else can be started again"
)

// probeText is what doctor writes to a destination.
const probeText = "bellwether doctor was here: this destination can be written to.\n"

// A ui is where a command line talks to: its streams, and what it may ask of the environment.
type ui struct {
	in     io.Reader
	out    io.Writer
	err    io.Writer
	getenv func(string) string
}

// finish prints the error of a command, if there is one to print, and returns the exit code.
func (u *ui) finish(err error) int {
	code := codeOf(err)
	var e *exitError
	if err == nil || (errors.As(err, &e) && e.err == nil) {
		return code
	}
	text := err.Error()
	fmt.Fprintf(u.err, "error: %s\n", text)
	if hint := hintOf(err); hint != "" && !strings.Contains(text, "\nhint: ") {
		fmt.Fprintf(u.err, "hint: %s\n", hint)
	}
	return code
}

func hintOf(err error) string {
	var e *exitError
	switch {
	case errors.As(err, &e) && e.hint != "":
		return e.hint
	case errors.Is(err, errInterrupted):
		return hintInterrupted
	}
	return ""
}

func (u *ui) warn(path string, err error) {
	fmt.Fprintf(u.err, "warning: %s: %v\n", evidence.Printable(path), err)
}

// warning prints what a user should know and can go on without.
func (u *ui) warning(err error) { fmt.Fprintf(u.err, "warning: %v\n", err) }

// A painter marks names, lines and indicators as grep does, or nothing.
type painter bool

// painter tells whether to mark: always, never, or on a terminal that takes it.
func (u *ui) painter(when string) (painter, error) {
	switch when {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto":
		return painter(isTerminal(u.out) && u.getenv("NO_COLOR") == "" && u.getenv("TERM") != "dumb"), nil
	}
	return false, usageError("--color auto", "--color %q: want auto, always or never", when)
}

func (p painter) paint(code, s string) string {
	if !p || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[m"
}

func (p painter) name(s string) string { return p.paint("35", evidence.Printable(s)) }

// hit prints a finding as grep -n does, with its newline. The indicator is marked where it stands in the line as it is spelt.
func (p painter) hit(f evidence.Finding) string {
	if !p {
		return evidence.HitLine(f.Place(), f.Line, f.Text)
	}
	text := evidence.Printable(f.Text)
	if at := strings.Index(strings.ToLower(text), strings.ToLower(f.Indicator)); at >= 0 && at+len(f.Indicator) <= len(text) {
		text = text[:at] + p.paint("1;31", text[at:at+len(f.Indicator)]) + text[at+len(f.Indicator):]
	}
	return p.paint("35", evidence.Printable(f.Place())) + ":" + p.paint("32", strconv.FormatInt(f.Line, 10)) + ":" + text + "\n"
}

// scanStats prints what a scan has seen.
func (u *ui) scanStats(t *scanTally, set *ioc.Set) {
	took, read, found := time.Since(t.began), uint64(t.bytes.Load()), t.frequent()
	fmt.Fprintf(u.err, "%d files, %s in %s, %s/s, %d hits of %d indicators\n", t.files.Load(), humanize.IBytes(read),
		took.Round(time.Millisecond), humanize.IBytes(uint64(float64(read)/max(took.Seconds(), 1e-9))), t.all(), len(found))
	for _, c := range found {
		fmt.Fprintf(u.err, "%8d  %s %s\n", c.n, c.indicator.Type, evidence.Printable(c.indicator.Value))
	}
	for _, i := range set.EveryLine() {
		fmt.Fprintf(u.err, "slow: regex %s (%s) has no word of 3 characters that every match holds, and was tried on every line\n", evidence.Printable(i.Value), strings.Join(i.Sources, ", "))
	}
}

// json prints one object as a line.
func (u *ui) json(v any) error { return writeJSON(u.out, v) }

func writeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// presigned says until when a ticket is good, and why not longer.
func (u *ui) presigned(using string, end time.Time, reason string) error {
	if reason != "" {
		reason = " (" + reason + ")"
	}
	_, err := fmt.Fprintf(u.err, "signed with the %s, good until %s%s; a secret until then\n", using, end.UTC().Format(time.RFC3339), reason)
	return err
}

func (u *ui) version(t tool) error {
	_, err := fmt.Fprintf(u.out, "bellwether %s (%s) %s/%s %s\n", t.Version, firstOf(t.Commit, "no commit recorded"), t.OS, t.Arch, t.Go)
	return err
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// progressLine is one word about a run: it overwrites itself on a terminal.
func progressLine(s progressState) string {
	text := fmt.Sprintf("%s  step %d of %d: %s  %d items, %s",
		time.Since(s.began).Round(time.Second), s.started, s.steps, s.step, s.items, humanize.IBytes(uint64(s.bytes)))
	if s.terminal {
		return "\r\x1b[K" + text
	}
	return text + "\n"
}

// A summaryJSON is the summary of a run for machines.
type summaryJSON struct {
	Verdict  string          `json:"verdict"`
	Exit     int             `json:"exit"`
	Case     string          `json:"case"`
	Where    string          `json:"where"`
	Seal     string          `json:"seal"`
	Key      string          `json:"signing_key"`
	Archive  string          `json:"archive_sha256,omitempty"`
	Size     int64           `json:"archive_size,omitempty"`
	Totals   evidence.Totals `json:"totals"`
	Commands counts          `json:"commands"`
	Files    counts          `json:"files"`
	Unread   []string        `json:"unread,omitempty"` // the first sources that could not be read
	NUnread  int             `json:"unread_total"`
	Seconds  float64         `json:"seconds"`
	Severity map[string]int  `json:"severity,omitempty"` // findings by severity
	Error    string          `json:"error,omitempty"`
	OffsetMS int64           `json:"store_clock_offset_ms,omitempty"`
}

// maxSummary is the length of a summary, in bytes: SSM keeps 2,500 characters of the head, Azure 4,096 bytes of the tail.
const maxSummary = 2000

// summary prints what a run has to show for itself.
func (u *ui) summary(r result, asJSON bool) error {
	if asJSON {
		s := summaryJSON{
			Verdict: verdictWord(r), Exit: r.Exit, Case: r.Case, Where: r.Where, Seal: r.Seal, Key: r.Key, Archive: r.SHA256, Size: r.Size, Totals: r.Totals, Commands: r.Tally.commands,
			Files: r.Tally.files, Unread: r.Tally.refused, NUnread: r.Tally.nRefused, Severity: r.Tally.severities, Seconds: r.Took.Seconds(), OffsetMS: r.ClockOffset.Milliseconds(),
		}
		if r.Err != nil {
			s.Error = r.Err.Error()
		}
		return u.json(s)
	}
	verdict := verdictLine(r)
	room := maxSummary - 2*len(verdict)
	_, err := io.WriteString(u.out, verdict+wholeLines(details(r), room)+verdict)
	return err
}

func verdictWord(r result) string {
	switch {
	case r.Seal == "":
		return "NOT DELIVERED"
	case r.Exit == exitInterrupted:
		return "INTERRUPTED"
	case !r.Totals.Complete:
		return "INCOMPLETE"
	}
	return "COMPLETE"
}

// verdictLine is the one line that a log is searched for.
func verdictLine(r result) string {
	t := r.Totals
	line := fmt.Sprintf("bellwether: %s %s: %d kept, %d not, %s, %d findings",
		verdictWord(r), r.Case, t.OK+t.Empty+t.Partial, t.Failed+t.Skipped, humanize.IBytes(uint64(t.Bytes)), t.Findings)
	if r.Seal != "" {
		line += ", seal " + r.Seal
	}
	return line + "\n"
}

func details(r result) string {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-9s %s\n", name, fmt.Sprintf(format, args...))
	}
	row("where", "%s", r.Where)
	if r.SHA256 != "" {
		row("archive", "%s, sha256 %s", humanize.IBytes(uint64(r.Size)), r.SHA256)
	}
	c, f := r.Tally.commands, r.Tally.files
	row("commands", "%d ran, %d not run (not installed, or left out), %d failed, %d cut short", c.Kept, c.Skipped, c.Failed, c.Partial)
	row("files", "%d kept (%s), %d left alone, %d not readable, %d cut short", f.Kept, humanize.IBytes(uint64(f.Bytes)), f.Skipped, f.Failed, f.Partial)
	if lost := c.Lost + f.Lost; lost > 0 {
		row("lost", "%d were read, and the store has not taken them", lost)
	}
	if r.Tally.budget > 0 {
		row("budget", "%d left out or cut at --max-bytes %s: see the manifest", r.Tally.budget, r.MaxBytes)
	}
	for _, m := range r.Totals.Missing {
		row("missing", "%s", brief(m, 200))
	}
	if r.Tally.nRefused > 0 {
		row("unread", "%s", brief(strings.Join(r.Tally.refused, ", "), 400)+more(r.Tally.nRefused-len(r.Tally.refused)))
	}
	if !r.Privileged {
		row("hint", "without root some of the host stays unseen; "+hintPrivileges)
	}
	if r.ClockOffset.Abs() > time.Minute {
		row("clock", "the store's clock is %s ahead of this host's", r.ClockOffset.Round(time.Second))
	}
	if r.Totals.Findings > 0 {
		row("findings", "%s: see hits.txt and findings.jsonl in the case", r.Tally.findings())
		for _, text := range r.Tally.worst {
			row("high", "%s", text)
		}
	}
	row("took", "%s", r.Took.Round(100*time.Millisecond))
	if r.Seal != "" {
		row("verify", "bellwether verify CASE --seal %s", r.Seal)
		row("key", "%s signed SHA256SUMS", r.Key)
	}
	return b.String()
}

// worstLine is a finding in one short line of a summary.
func worstLine(f evidence.Finding) string {
	if f.Kind == evidence.Anomaly {
		return brief(evidence.Printable(f.Text), 150)
	}
	return brief(evidence.Printable(f.Indicator+" in "+f.Place()), 150)
}

func more(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}

// brief shortens a text to n bytes, at the end of a character.
func brief(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + " …"
}

// wholeLines keeps the first lines of a text that fit into n bytes.
func wholeLines(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:strings.LastIndexByte(s[:n], '\n')+1]
}

// verdictJSON prints what verify has found for machines; bad is nil if nothing is wrong.
func (u *ui) verdictJSON(folder string, v evidence.Verdict, bad error) error {
	out := map[string]any{
		"case": folder, "ok": bad == nil, "seal": v.Seal, "lines": v.Lines, "files": v.Files, "bytes": v.Bytes, "complete": v.Totals.Complete,
		"name": v.Case, "signing_key": v.Key, "stored_only": v.Stored,
	}
	if bad != nil {
		out["error"] = bad.Error()
	}
	return u.json(out)
}

// verified prints what verify has found of a case in which nothing is wrong.
func (u *ui) verified(folder string, v evidence.Verdict, sealed bool) error {
	state := "the run was complete"
	if v.Stored {
		_, err := fmt.Fprintf(u.out, "OK %s: %d encrypted files, %s, as SHA256SUMS has them\nkey %s\nsays that its seal is %s\n%s\n",
			folder, v.Files, humanize.IBytes(uint64(v.Bytes)), v.Key, v.Seal, noteStored)
		return err
	}
	if !v.Totals.Complete {
		state = "the run was not complete: " + strings.Join(v.Totals.Missing, "; ")
	}
	_, err := fmt.Fprintf(u.out, "OK %s: %d files, %s, %d manifest lines; %s\nseal %s\nkey %s\n",
		folder, v.Files, humanize.IBytes(uint64(v.Bytes)), v.Lines, state, v.Seal, v.Key)
	if err == nil && !sealed {
		_, err = fmt.Fprintln(u.out, noteUnsealed)
	}
	return err
}

// opened prints what has become of one archive.
func (u *ui) opened(name, folder string, o evidence.Opened) {
	there := ""
	if o.There > 0 {
		there = fmt.Sprintf(", %d were there and are the same", o.There)
	}
	fmt.Fprintf(u.out, "OK %s: %d files in %s%s\n", name, o.Written, folder, there)
}

// notOpened prints why one of several archives was not opened, or not whole.
func (u *ui) notOpened(name string, err error) {
	fmt.Fprintf(u.err, "error: %s: %s\n", evidence.Printable(name), evidence.Printable(err.Error()))
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(u.err, "hint: %s\n", hint)
	}
}

// profileList prints the built-in profiles.
func (u *ui) profileList(all []*profiles.Profile, asJSON bool) error {
	type row struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Steps       int    `json:"steps"`
		Default     bool   `json:"default,omitempty"`
	}
	for _, p := range all {
		r := row{p.Name, p.Description, len(p.Steps), p.Name == profiles.Default(runtime.GOOS)}
		if asJSON {
			if err := u.json(r); err != nil {
				return err
			}
			continue
		}
		mark := ""
		if r.Default {
			mark = " (default here)"
		}
		if _, err := fmt.Fprintf(u.out, "%-22s %3d steps  %s%s\n", r.Name, r.Steps, r.Description, mark); err != nil {
			return err
		}
	}
	return nil
}

// checked prints what profiles check has found of one file.
func (u *ui) checked(file string, err error) {
	if err == nil {
		fmt.Fprintf(u.out, "OK %s\n", file)
		return
	}
	fmt.Fprintf(u.err, "error: %v\n", err)
}

// plan prints what collect would do.
func (u *ui) plan(sel selection, steps []plannedStep, asJSON bool) error {
	if asJSON {
		return u.json(map[string]any{"host": sel.facts, "profiles": sel.plan.Profiles, "steps": steps})
	}
	var b strings.Builder
	files, size := 0, int64(0)
	for _, s := range steps {
		files, size = files+s.Files, size+s.Bytes
		planStep(&b, s)
	}
	fmt.Fprintf(&b, "%d steps, %d files, %s before limits and compression\n", len(steps), files, humanize.IBytes(uint64(size)))
	_, err := io.WriteString(u.out, b.String())
	return err
}

func planStep(b *strings.Builder, s plannedStep) {
	fmt.Fprintf(b, "%s (%s)", s.Step, s.Collector)
	if s.Shell {
		b.WriteString(" through the shell")
	}
	if s.Files > 0 {
		fmt.Fprintf(b, ": %d files, %s", s.Files, humanize.IBytes(uint64(s.Bytes)))
	}
	b.WriteString("\n")
	for _, i := range s.Items {
		switch {
		case i.Skip != "":
			fmt.Fprintf(b, "  - %s: %s\n", i.Source, i.Skip)
		case strings.HasPrefix(i.Name, "files/"):
			fmt.Fprintf(b, "  %10s  %s\n", humanize.IBytes(uint64(i.Size)), i.Source)
		default:
			fmt.Fprintf(b, "  %s > %s\n", i.Source, i.Name)
		}
	}
}

// checks prints what doctor has found.
func (u *ui) checks(all []check, asJSON bool) error {
	for _, c := range all {
		if asJSON {
			if err := u.json(c); err != nil {
				return err
			}
			continue
		}
		mark := "ok"
		switch {
		case c.Bad:
			mark = "BAD"
		case c.Warn:
			mark = "warn"
		}
		if _, err := fmt.Fprintf(u.out, "%-5s %-12s %s\n", mark, c.Name, c.Says); err != nil {
			return err
		}
		if c.Hint != "" {
			fmt.Fprintf(u.out, "%-18s hint: %s\n", "", c.Hint)
		}
	}
	return nil
}

func lackingTools(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "; not: " + strings.Join(names, " ")
}
