package ioc

import (
	"fmt"
	"strings"
)

// The members of an object of STIX that count.
var stixKeys = map[string]bool{
	"type": true, "id": true, "name": true, "value": true, "pattern": true, "pattern_type": true, "revoked": true, "confidence": true,
	"key": true, "path": true, "hashes": true, "command_line": true, "subject": true, "objects": true, "extensions": true,
}

// The properties of STIX that can be looked for, by object and path. Paths are as pathOf spells them.
var stixTypes = map[string]Type{
	"ipv4-addr:value": anyAddress, "ipv6-addr:value": anyAddress, "domain-name:value": Domain, "url:value": URL,
	"domain-name:resolves_to_refs.value": anyHost, "network-traffic:dst_ref.value": anyHost, "network-traffic:src_ref.value": anyHost,
	"email-addr:value": Email, "email-message:from_ref.value": Email, "email-message:sender_ref.value": Email, "email-message:subject": String,
	"email-message:body_multipart.body_raw_ref.name": Filename,
	"file:name": Filename, "file:path": Path, "file:parent_directory_ref.path": Path, "directory:path": Path,
	"process:name": Filename, "process:binary_ref.name": Filename, "process:image_ref.name": Filename, "process:parent_ref.name": Filename,
	"process:parent_ref.image_ref.name": Filename, "process:command_line": String, "process:parent_ref.command_line": String, "process:arguments": String,
	"process:image_ref.parent_directory_ref.path": Path, "process:extensions.windows-service-ext.service_name": String,
	"process:extensions.windows-service-ext.display_name": String, "process:extensions.windows-service-ext.service_dll_refs.name": Filename,
	"mutex:name": Mutex, "windows-registry-key:key": Registry,
	"network-traffic:extensions.http-request-ext.request_header.user-agent": UserAgent, "network-traffic:extensions.http-request-ext.request_value": String,
}

// Objects whose hashes are those of what an attacker brings.
var stixHashed = []string{"file:", "artifact:", "x509-certificate:", "process:binary_ref.", "process:image_ref."}

// typeOfProperty returns the type of a property; "" if it can't be looked for.
func typeOfProperty(path string) Type {
	if t := stixTypes[path]; t != "" {
		return t
	}
	if _, algorithm, ok := strings.Cut(path, "hashes."); ok {
		for _, o := range stixHashed {
			if strings.HasPrefix(path, o) {
				return typeOfDigest(algorithm)
			}
		}
	}
	return ""
}

// typeOfDigest returns the type of a digest by the name of its algorithm.
func typeOfDigest(algorithm string) Type {
	switch t := typeOfWord(algorithm); t {
	case MD5, SHA1, SHA256, SHA512:
		return t
	}
	return ""
}

// isSTIXType reports whether an object of this type says that a text is STIX.
func isSTIXType(word string) bool {
	switch word {
	case "bundle", "indicator", "observed-data", "file", "artifact", "mutex", "process", "directory", "url":
		return true
	}
	return stixTypes[word+":value"] != "" || word == "windows-registry-key"
}

// readSTIX reads a bundle, an envelope of TAXII, a list of objects or one object.
func readSTIX(l *loader, data []byte) {
	r := &jsonReader{data: data}
	one := func() { l.stixObject(r.value(stixKeys)) }
	switch {
	case r.kind() == '[':
		r.array(one)
	case isEnvelope(data):
		r.object(func(key string) {
			if key != "objects" || r.kind() != '[' {
				r.skip()
				return
			}
			r.array(one)
		})
	default:
		one()
	}
	r.end()
	if r.err != nil {
		l.broken(r.lineAt(r.pos), fmt.Errorf("reading STIX: %w", r.err))
	}
}

// isEnvelope reports whether the outermost object holds the others: its type is bundle, or it has none. An observation holds
// objects too.
func isEnvelope(data []byte) bool {
	r := jsonReader{data: data}
	envelope := true
	r.object(func(key string) {
		if key == "type" && r.kind() == '"' {
			envelope = r.str() == "bundle"
			r.fail("enough is read")
			return
		}
		r.skip()
	})
	return envelope
}

// stixObject takes what an object says. What is no indicator and no observable is passed over.
func (l *loader) stixObject(o *jsonValue) {
	if l.full() || isTrue(o.get("revoked").text) {
		return
	}
	at := place{line: o.line, id: o.get("id").text}
	switch typ := o.get("type").text; typ {
	case "indicator":
		l.stixIndicator(at, o)
	case "observed-data":
		for _, child := range o.get("objects").vals {
			if child.get("type").text != "observed-data" {
				child.keys, child.vals = append(child.keys, "id"), append(child.vals, *o.get("id"))
				l.stixObject(&child)
			}
		}
	default:
		l.stixObservable(at, typ, o)
	}
}

func (l *loader) stixIndicator(at place, o *jsonValue) {
	pattern := o.get("pattern")
	at.line = pattern.line
	switch kind := o.get("pattern_type").text; kind {
	case "", "stix":
	case "yara":
		l.yara(at, pattern.text)
		return
	default:
		l.fail(at, fmt.Errorf("a pattern in the language %q can't be looked for", kind))
		return
	}
	score, note := number(o.get("confidence").text), cutText(o.get("name").text, maxNote)
	c, err := parsePattern(pattern.text, at)
	if err != nil {
		l.fail(at, fmt.Errorf("the pattern %q: %w", cutText(pattern.text, maxNote), err))
		return
	}
	c.each(func(f *leaf, _ *condition) { f.ind.Score, f.ind.Comment = score, joinNotes(note, f.ind.Comment) })
	l.addCondition(c)
}

// number reads a small number, 0 if it is none.
func number(s string) int {
	n := 0
	for i := range len(s) {
		if !isDigit(s[i]) || n > 1000 {
			return 0
		}
		n = 10*n + int(s[i]-'0')
	}
	return n
}

// The members of observables that hold an indicator by themselves.
var stixMembers = []string{"value", "name", "path", "key", "command_line", "subject"}

func (l *loader) stixObservable(at place, typ string, o *jsonValue) {
	take := func(path string, v *jsonValue) {
		if t := typeOfProperty(path); t != "" && v.text != "" {
			ind, err := parseTyped(t, path, v.text)
			ind.Comment = "observable"
			l.add(place{line: v.line, id: at.id}, ind, err)
		}
	}
	for _, m := range stixMembers {
		take(typ+":"+m, o.get(m))
	}
	hashes := o.get("hashes")
	for i := range hashes.keys {
		take(typ+":hashes."+hashes.keys[i], &hashes.vals[i])
	}
	take("network-traffic:extensions.http-request-ext.request_header.user-agent", o.get("extensions").get("http-request-ext").get("request_header").get("User-Agent"))
	take("process:extensions.windows-service-ext.service_name", o.get("extensions").get("windows-service-ext").get("service_name"))
}
