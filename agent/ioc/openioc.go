package ioc

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// maxXMLDepth bounds how deep elements lie within each other.
const maxXMLDepth = 64

// The search terms of OpenIOC, in lower case, by their last words. The longest that fits counts.
var openIOCTerms = map[string]Type{
	"md5sum": MD5, "sha1sum": SHA1, "sha256sum": SHA256, "servicedllmd5sum": MD5, "pathmd5sum": MD5, "servicedllsha1sum": SHA1, "servicedllsha256sum": SHA256,
	"md5": MD5, "sha1": SHA1, "sha256": SHA256,
	"filename": Filename, "fileitem/filepath": Path, "fullpath": Path, "driveritem/drivername": Filename, "attachment/name": Filename, "processitem/name": Filename,
	"processitem/path": Path, "serviceitem/path": Path, "servicedll": Path, "processitem/arguments": String, "serviceitem/name": String,
	"serviceitem/descriptivename": String, "taskitem/name": String, "eventlogitem/message": String, "handle/name": Mutex, "mutexitem/name": Mutex,
	"registryitem/path": Registry, "registryitem/keypath": Registry, "registryitem/valuename": String, "registryitem/text": String, "registryitem/value": String,
	"dnsentryitem/host": anyHost, "dnsentryitem/recordname": anyHost, "recorddata/host": anyHost, "ipv4address": anyAddress, "remoteip": anyAddress, "localip": anyAddress,
	"network/dns": anyHost, "network/uri": URL, "network/useragent": UserAgent, "network/string": String, "urlhistoryitem/url": URL, "urlhistoryitem/hostname": anyHost,
	"cookiehistoryitem/hostname": anyHost, "formhistoryitem/hostname": anyHost, "filedownloadhistoryitem/sourceurl": URL, "sourceurl": URL, "useragent": UserAgent,
	"email/from": Email, "email/to": Email, "email/cc": Email, "email/subject": String, "email/body": String, "fileitem/stringlist/string": String, "strings/string": String,
	"stringlist/string": String, "ip": anyAddress,
}

// termType returns the type of a search term; "" if it can't be looked for.
func termType(search, content string) Type {
	for term := strings.ToLower(search); term != ""; {
		if t, ok := openIOCTerms[term]; ok {
			return t
		}
		_, rest, ok := strings.Cut(term, "/")
		if !ok {
			break
		}
		term = rest
	}
	switch strings.ToLower(content) {
	case "md5":
		return MD5
	case "ip":
		return anyAddress
	}
	return ""
}

// An openIOC reads the definition of 1.0 and the criteria of 1.1, which differ in the names of conditions alone.
type openIOC struct {
	*loader
	dec   *xml.Decoder
	depth int
	title string
}

func readOpenIOC(l *loader, data []byte) {
	r := &openIOC{loader: l, dec: xml.NewDecoder(bytes.NewReader(data))}
	r.dec.CharsetReader = charsetOf
	for {
		start, err := r.start()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = r.element(start)
		}
		if err != nil {
			r.broken(r.line(), fmt.Errorf("reading OpenIOC: %w", err))
			return
		}
	}
}

// charsetOf reads the encodings that exporters declare.
func charsetOf(name string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(name) {
	case "us-ascii", "ascii", "utf8", "utf-16": // UTF-16 has been decoded by its byte order mark
		return r, nil
	case "iso-8859-1", "latin1", "windows-1252":
		return charmap.Windows1252.NewDecoder().Reader(r), nil
	}
	return nil, fmt.Errorf("the encoding %q is not known", name)
}

func (r *openIOC) line() int {
	line, _ := r.dec.InputPos()
	return line
}

// start returns the next element that begins, and io.EOF when the one around it ends.
func (r *openIOC) start() (xml.StartElement, error) {
	for {
		token, err := r.dec.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			return t, nil
		case xml.EndElement:
			return xml.StartElement{}, io.EOF
		}
	}
}

// element reads what stands around the indicators.
func (r *openIOC) element(start xml.StartElement) error {
	if r.depth++; r.depth > maxXMLDepth {
		return fmt.Errorf("elements are more than %d levels deep", maxXMLDepth)
	}
	defer func() { r.depth-- }()
	switch start.Name.Local {
	case "short_description":
		text, err := r.text(start)
		r.title = cutText(text, maxNote)
		return err
	case "Indicator":
		c, err := r.indicator(start)
		if c != nil && err == nil {
			r.addCondition(c)
		}
		return err
	case "iocs", "ioc", "OpenIOC", "metadata", "definition", "criteria":
		return r.children(r.element)
	}
	return r.dec.Skip()
}

func (r *openIOC) children(each func(xml.StartElement) error) error {
	for {
		start, err := r.start()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = each(start)
		}
		if err != nil {
			return err
		}
	}
}

func (r *openIOC) text(start xml.StartElement) (string, error) {
	var s string
	err := r.dec.DecodeElement(&s, &start)
	return strings.TrimSpace(s), err
}

// indicator reads a group, which is nil if it is empty.
func (r *openIOC) indicator(start xml.StartElement) (*condition, error) {
	if r.depth++; r.depth > maxXMLDepth {
		return nil, fmt.Errorf("groups are more than %d levels deep", maxXMLDepth)
	}
	defer func() { r.depth-- }()
	operator := strings.ToUpper(attribute(start, "operator"))
	var parts []*condition
	err := r.children(func(child xml.StartElement) error {
		var c *condition
		var err error
		switch child.Name.Local {
		case "Indicator":
			c, err = r.indicator(child)
		case "IndicatorItem":
			c, err = r.item(child)
		default:
			return r.dec.Skip()
		}
		if c != nil {
			parts = append(parts, c)
		}
		return err
	})
	switch {
	case err != nil || len(parts) == 0:
		return nil, err
	case operator == "AND":
		return allOf(parts), nil
	case operator == "OR":
		return anyOf(parts), nil
	}
	return nil, fmt.Errorf("the operator %q is neither AND nor OR", operator)
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// item reads one comparison.
func (r *openIOC) item(start xml.StartElement) (*condition, error) {
	at := place{line: r.line(), id: attribute(start, "id")}
	var search, content, kind string
	err := r.children(func(child xml.StartElement) error {
		switch child.Name.Local {
		case "Context":
			search = attribute(child, "search")
		case "Content":
			at.line, kind = r.line(), attribute(child, "type")
			var err error
			content, err = r.text(child)
			return err
		}
		return r.dec.Skip()
	})
	if err != nil {
		return nil, err
	}
	comparison := strings.ToLower(attribute(start, "condition"))
	f := leaf{at: at, what: search + " " + comparison + " " + cutText(content, maxNote)}
	t := termType(search, kind)
	switch {
	case isTrue(attribute(start, "negate")):
		f.err = fmt.Errorf("%q: what is negated can't be looked for", f.what)
	case t == "":
		f.err = fmt.Errorf("%q: values of %q can't be looked for", f.what, search)
	default:
		f.ind, f.err = parseItem(t, comparison, content, isTrue(attribute(start, "preserve-case")))
	}
	f.ind.Comment = r.title
	return leafOf(f), nil
}

// parseItem reads the value of a comparison.
func parseItem(t Type, comparison, value string, keepCase bool) (Indicator, error) {
	switch comparison {
	case "is":
		return parseTyped(t, string(t), value)
	case "contains":
		return parseContained(t, value)
	case "starts-with":
		return parseLike(t, escapeLike(value)+"%")
	case "ends-with":
		return parseLike(t, "%"+escapeLike(value))
	case "matches":
		if !keepCase {
			value = "(?i)" + value
		}
		return parseValue(Regex, value)
	}
	return Indicator{Raw: value}, fmt.Errorf("a comparison by %q can't be looked for", comparison)
}

// escapeLike leaves the wildcards of a value to any character.
func escapeLike(value string) string { return strings.ReplaceAll(value, "%", "_") }

// parseContained reads a part of a value. A part of a path is looked for with any separator.
func parseContained(t Type, value string) (Indicator, error) {
	switch {
	case (t == Domain || t == anyHost) && strings.HasPrefix(strings.TrimSpace(value), "."):
		if ind, err := parseValue(Domain, value); err == nil {
			return ind, nil
		}
	case (t == Filename || t == Path || t == Registry) && strings.ContainsAny(value, `/\`):
		return parseValue(Regex, "(?i)"+anySeparator(value))
	}
	return parseValue(String, value)
}

func anySeparator(value string) string {
	parts := strings.FieldsFunc(value, func(r rune) bool { return r == '/' || r == '\\' })
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	const separator = `[\\/]+`
	s := strings.Join(parts, separator)
	if value[0] == '/' || value[0] == '\\' {
		s = separator + s
	}
	if last := value[len(value)-1]; len(parts) > 0 && (last == '/' || last == '\\') {
		s += separator
	}
	return s
}

// xmlRoot returns the name of the outermost element; "" if there is none.
func xmlRoot(head []byte) string {
	dec := xml.NewDecoder(bytes.NewReader(head))
	dec.Strict, dec.CharsetReader = false, charsetOf
	for {
		token, err := dec.Token()
		if err != nil {
			return ""
		}
		if start, ok := token.(xml.StartElement); ok {
			return start.Name.Local
		}
	}
}
