package ioc

import (
	"errors"
	"fmt"
)

// maxNodeDepth bounds how deep containers of MISP lie within each other.
const maxNodeDepth = 16

// The members of an attribute of MISP that count.
var mispKeys = map[string]bool{"uuid": true, "type": true, "value": true, "comment": true, "to_ids": true, "deleted": true}

// A mispReader reads events of MISP as the server gives them, a feed publishes them, or a search returns them.
type mispReader struct {
	jsonReader
	*loader
	depth int
	note  string // what the event is about
}

// readMISP reads the attributes of events and of their objects. Events that are only related are not looked at.
func readMISP(l *loader, data []byte) {
	r := &mispReader{jsonReader: jsonReader{data: data}, loader: l}
	r.container()
	r.end()
	if r.err != nil {
		l.broken(r.lineAt(r.pos), fmt.Errorf("reading MISP: %w", r.err))
	}
}

// container reads what holds events, objects or attributes.
func (r *mispReader) container() {
	if r.depth++; r.depth > maxNodeDepth {
		r.jsonReader.fail("the events lie too deep")
	}
	defer func() { r.depth-- }()
	switch r.kind() {
	case '[':
		r.array(r.container)
	case '{':
		r.object(r.member)
	default:
		r.skip()
	}
}

func (r *mispReader) member(key string) {
	switch key {
	case "response", "Object":
		r.container()
	case "Event":
		r.note = r.info()
		r.container()
		r.note = ""
	case "Attribute":
		r.attributes()
	default:
		r.skip()
	}
}

// info looks ahead for the title of the event, which may stand behind its attributes.
func (r *mispReader) info() string {
	if r.kind() != '{' {
		return ""
	}
	ahead, info := jsonReader{data: r.data, pos: r.pos}, ""
	ahead.object(func(key string) {
		if key == "info" && ahead.kind() == '"' {
			info = ahead.str()
			ahead.fail("enough is read")
			return
		}
		ahead.skip()
	})
	return cutText(info, maxNote)
}

func (r *mispReader) attributes() {
	if r.kind() != '[' {
		r.attribute()
		return
	}
	r.array(r.attribute)
}

func (r *mispReader) attribute() {
	if r.full() {
		r.skip()
		return
	}
	if r.kind() != '{' {
		r.skip()
		r.jsonReader.fail("an attribute of MISP is an object")
		return
	}
	a := r.value(mispKeys)
	if r.err != nil {
		return
	}
	if isTrue(a.get("deleted").text) {
		return
	}
	if ids := a.get("to_ids").text; !r.Unflagged && ids != "" && !isTrue(ids) {
		r.skipped++
		return
	}
	value := a.get("value")
	at := place{line: value.line, id: a.get("uuid").text}
	comment := joinNotes(r.note, cutText(a.get("comment").text, maxNote))
	typ := a.get("type").text
	switch {
	case typ == "":
		r.loader.fail(at, errors.New("an attribute without a type"))
	case typ == "yara":
		r.yara(at, value.text)
	default:
		r.addEntry(at, entry{typ: typ, value: value.text, comment: comment})
	}
}

// yara reads the rules that an object of another format holds.
func (l *loader) yara(at place, text string) {
	y := &yaraReader{loader: l, text: text, base: at}
	y.read()
}
