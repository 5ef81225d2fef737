package ioc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

// A Format is a way in which indicators are written down.
type Format string

// The formats that [Options.Read] reads.
const (
	Plain   Format = "plain"
	CSV     Format = "csv"
	STIX    Format = "stix"
	MISP    Format = "misp"
	OpenIOC Format = "openioc"
	Loki    Format = "loki"
	YARA    Format = "yara"
)

// A FormatHelp says in one line what a format is.
type FormatHelp struct {
	Format Format
	What   string
}

// Formats lists the formats, for --help.
func Formats() []FormatHelp {
	return []FormatHelp{
		{Plain, "one indicator a line, # begins a comment, type:value forces a type"},
		{CSV, "columns by comma, semicolon, tab or bar, with a header or without"},
		{STIX, "STIX 2.0 and 2.1 in JSON: patterns of indicators, and observables"},
		{MISP, "MISP events and attributes in JSON; the CSV export is read as csv"},
		{OpenIOC, "OpenIOC 1.0 and 1.1 in XML"},
		{Loki, "hash-iocs, filename-iocs, c2-iocs, keywords of Loki and THOR"},
		{YARA, "YARA rules: strings, and conditions that only count strings"},
	}
}

// readers read the formats. They report what they find to the loader, and return when the list is read as far as it can be.
var readers = map[Format]func(l *loader, data []byte){
	Plain: readPlain, CSV: readCSV, STIX: readSTIX, MISP: readMISP, OpenIOC: readOpenIOC, Loki: readLoki, YARA: readYARA,
}

// Bounds of a list, so that a wrong file is refused before it fills the memory.
const (
	maxList       = 256 << 20
	maxListErrors = 20
	maxRegexSize  = 1 << 14 // steps of one regular expression
	maxRegexSteps = 1 << 21 // of all of a list
)

// Options say how lists are read.
type Options struct {
	Private   bool        // addresses that are in use inside every network are no error
	Warn      func(error) // called for an entry that can't be read or is too broad, which is then left out; nil makes it an error
	Format    Format      // how the list is written; "" has it recognised by its content
	Type      Type        // of the values whose list does not tell their types, or ip or hash for any of these; "" has them guessed
	Columns   Columns     // of a CSV
	Unflagged bool        // take attributes of MISP too that are not marked for detection (to_ids)
}

// Read reads a list of any format. The name stands in errors and sources; it tells what the content can't: which of the lists
// of Loki it is. The error names every bad entry as name:line, up to a limit.
func (o Options) Read(name string, r io.Reader) ([]Indicator, error) {
	if o.Type != "" {
		t := typeOfWord(string(o.Type))
		if t == "" || t == anyType || t == noType {
			return nil, fmt.Errorf("%s: unknown type %q of indicators", name, o.Type)
		}
		o.Type = t
	}
	data, err := readAll(io.LimitReader(r, maxList+1), sizeOf(r))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading indicators from %s: %w", name, err)
	case len(data) > maxList:
		return nil, fmt.Errorf("%s: has more than %d MiB, and so is no list of indicators", name, maxList>>20)
	}
	if data, err = toUTF8(data); err != nil {
		return nil, fmt.Errorf("%s:1: %w", name, err)
	}
	if o.Format == "" && o.Columns != (Columns{}) {
		o.Format = CSV
	}
	if o.Format == "" {
		if o.Format, err = detect(name, data); err != nil {
			return nil, fmt.Errorf("%s:1: %w", name, err)
		}
	}
	read, ok := readers[o.Format]
	if !ok {
		return nil, fmt.Errorf("%s: unknown format %q of indicators", name, o.Format)
	}
	l := &loader{Options: o, name: name}
	read(l, data)
	return l.result()
}

// sizeOf returns how many bytes a reader is likely to yield, 0 if it does not tell.
func sizeOf(r io.Reader) int {
	switch r := r.(type) {
	case interface{ Len() int }:
		return min(r.Len(), maxList)
	case interface{ Stat() (fs.FileInfo, error) }:
		if info, err := r.Stat(); err == nil {
			return int(min(info.Size(), maxList))
		}
	}
	return 0
}

// readAll reads up to the end into one buffer, which need not grow if size is right.
func readAll(r io.Reader, size int) ([]byte, error) {
	b := bytes.NewBuffer(make([]byte, 0, max(0, size)+bytes.MinRead))
	_, err := b.ReadFrom(r)
	return b.Bytes(), err
}

// toUTF8 removes a byte order mark and decodes UTF-16.
func toUTF8(data []byte) ([]byte, error) {
	if bytes.HasPrefix(data, []byte("\xfe\xff")) || bytes.HasPrefix(data, []byte("\xff\xfe")) {
		return unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Bytes(data)
	}
	return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), nil
}

// A place is where an entry stands in a list.
type place struct {
	line int
	id   string // of the object, if the format has such
	kind string // what the object is called in errors, if its id alone does not tell
}

// A loader collects the indicators of one list, and judges them.
type loader struct {
	Options
	name    string
	inds    []Indicator
	errs    []error
	steps   int             // of the regular expressions
	skipped int             // attributes that are not meant for detection
	sources []string        // in which those of the indicators stand, many in one piece of memory
	places  strings.Builder // and so their texts
}

// placesSize is how many bytes of sources share one piece of memory.
const placesSize = 32 << 10

func (l *loader) source(at place) string {
	if l.places.Len()+len(l.name)+len(at.id)+22 > l.places.Cap() {
		l.places = strings.Builder{}
		l.places.Grow(max(min(placesSize, 64*(len(l.inds)+1)), len(l.name)+len(at.id)+22))
	}
	start, digits := l.places.Len(), [20]byte{}
	l.places.WriteString(l.name)
	l.places.WriteByte(':')
	l.places.Write(strconv.AppendInt(digits[:0], int64(at.line), 10))
	if at.id != "" {
		l.places.WriteByte('#')
		l.places.WriteString(at.id)
	}
	return l.places.String()[start:]
}

// add takes an entry if it can be used.
func (l *loader) add(at place, ind Indicator, err error) {
	if err = l.judge(ind, err); err != nil {
		l.fail(at, err)
		return
	}
	l.take(at, ind)
}

// judge returns why an entry can't be used, or nil. The error is the one of reading it.
func (l *loader) judge(ind Indicator, err error) error {
	if err != nil {
		return err
	}
	if !utf8.ValidString(ind.Value) {
		return fmt.Errorf("%q is no text in UTF-8", ind.Raw)
	}
	if ind.Type == Regex {
		if err := l.weigh(ind.Value); err != nil {
			return err
		}
	}
	if err = tooBroad(ind); l.Private && errors.Is(err, errPrivate) {
		return nil
	}
	return err
}

// weigh returns an error for an expression that takes more memory than it is worth.
func (l *loader) weigh(expr string) error {
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return err
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return err
	}
	switch l.steps += len(prog.Inst); {
	case len(prog.Inst) > maxRegexSize:
		return fmt.Errorf("a regular expression of %d steps is too large", len(prog.Inst))
	case l.steps > maxRegexSteps:
		return errors.New("the regular expressions of the list are too large together")
	}
	return nil
}

func (l *loader) take(at place, ind Indicator) {
	if len(l.sources) == cap(l.sources) {
		l.sources = make([]string, 0, min(1024, max(8, 2*cap(l.sources))))
	}
	n := len(l.sources)
	l.sources = append(l.sources, l.source(at))
	ind.Sources = l.sources[n : n+1 : n+1]
	l.inds = append(l.inds, ind)
}

// fail records an entry that can't be used.
func (l *loader) fail(at place, err error) {
	if at.id != "" {
		err = fmt.Errorf("%s%s: %w", at.kind, at.id, err)
	}
	err = fmt.Errorf("%s:%d: %w", l.name, at.line, err)
	if l.Warn != nil {
		l.Warn(err)
		return
	}
	l.errs = append(l.errs, err)
}

// broken records that the list can't be read on from a line.
func (l *loader) broken(line int, err error) {
	l.errs = append(l.errs, fmt.Errorf("%s:%d: %w", l.name, line, err))
}

// full reports whether there are so many errors that it is no use to go on.
func (l *loader) full() bool { return len(l.errs) >= maxListErrors }

func (l *loader) result() ([]Indicator, error) {
	if len(l.inds) == 0 && len(l.errs) == 0 && l.skipped > 0 {
		return nil, fmt.Errorf("%s: none of the %d attributes is marked for detection (to_ids)", l.name, l.skipped)
	}
	return l.inds, errors.Join(l.errs...)
}

var (
	xmlStart  = regexp.MustCompile(`^<(?:\?xml|!--|!DOCTYPE|[A-Za-z])`)
	jsonStart = regexp.MustCompile(`^(?:\{\s*["}]|\[\s*[{"\]])`)
	yaraStart = regexp.MustCompile(`^(?:(?:(?:private|global)\s+)*rule\s+\w+|import\s+"|include\s+")`)
)

// headLen is how much of a list is looked at to tell its format.
const headLen = 64 << 10

// detect tells the format of a list. It returns an error for what is known to be no list of indicators.
func detect(name string, data []byte) (Format, error) {
	head := bytes.TrimSpace(data[:min(len(data), headLen)])
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")), bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return "", errors.New("is compressed: unpack the list first")
	case jsonStart.Match(head):
		return detectJSON(data)
	case xmlStart.Match(head):
		return detectXML(head)
	case yaraStart.Match(skipYARAComments(head)):
		return YARA, nil
	}
	if lokiKind(name) != "" {
		return Loki, nil
	}
	sample := sampleOf(head, len(data) > headLen)
	switch {
	case looksLikeLoki(sample):
		return Loki, nil
	case looksLikeCSV(name, sample):
		return CSV, nil
	}
	return Plain, nil
}

func detectXML(head []byte) (Format, error) {
	switch root := xmlRoot(head); strings.ToLower(root) {
	case "ioc", "iocs", "openioc":
		return OpenIOC, nil
	case "stix_package":
		return "", errors.New("is STIX 1 in XML, which is not read: convert it to STIX 2.1")
	case "html":
		return "", errors.New("is a web page, and no list of indicators")
	default:
		return "", fmt.Errorf("is XML with the root %q, and not OpenIOC", root)
	}
}

// maxSample is how many lines of a list are looked at to tell its format.
const maxSample = 60

// sampleOf returns the first lines of a list that are no comments. The last line of a head that was cut is left out.
func sampleOf(head []byte, cut bool) []string {
	text := string(head)
	if i := strings.LastIndexByte(text, '\n'); cut && i > 0 {
		text = text[:i]
	}
	var sample []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			sample = append(sample, line)
		}
		if len(sample) == maxSample {
			break
		}
	}
	return sample
}

// baseName returns the name of a list in lower case, without folders of either system.
func baseName(name string) string {
	return strings.ToLower(path.Base(strings.ReplaceAll(name, `\`, "/")))
}

// isStrong reports whether a value can hardly be anything but an indicator.
func isStrong(v string) bool {
	switch t, rest := guess(v); t {
	case IPv4, IPv6, CIDR, MD5, SHA1, SHA256, SHA512, URL, Email, Domain:
		return true
	default:
		return len(rest) < len(strings.TrimSpace(v)) // its type is forced
	}
}
