// Package ioc holds indicators of compromise and finds them in streams of bytes.
//
// A [Set] is made once from lists and then used by any number of goroutines. What a type of indicator means for the text
// around it is written down in rule.go, and nowhere else: the engine only proposes places, the rules decide. The rules that
// every file keeps: a result never depends on how the bytes were split, compressed or ordered; every indicator is reported
// once per line; memory is bounded whatever the stream holds; nothing in a stream makes the package panic.
package ioc

import "errors"

// ErrPartial is wrapped by the error of a stream that could be scanned only in part.
var ErrPartial = errors.New("scanned in part")

// A Type says what an indicator is, and so how it is matched.
type Type string

// The types of indicators.
const (
	IPv4      Type = "ipv4"
	IPv6      Type = "ipv6"
	CIDR      Type = "cidr"     // any address of a network, of either family
	Domain    Type = "domain"   // the name and everything below it
	Hostname  Type = "hostname" // the name alone
	URL       Type = "url"      // whatever the scheme; the path is a prefix that ends at a word's end
	Email     Type = "email"
	MD5       Type = "md5"
	SHA1      Type = "sha1"
	SHA256    Type = "sha256"
	SHA512    Type = "sha512"
	Filename  Type = "filename" // one whole component of a path
	Path      Type = "path"     // whole components; /, \ and \\ are the same
	Registry  Type = "registry" // a registry key or value, matched as a path
	Mutex     Type = "mutex"    // anywhere, as a string
	UserAgent Type = "useragent"
	String    Type = "string" // anywhere, whatever the case
	Regex     Type = "regex"  // Go's syntax, on one line at a time
)

// An Indicator is one thing to look for.
type Indicator struct {
	Type    Type
	Value   string   // as it is matched: refanged and in the type's normal form
	Raw     string   // as the list spells it
	Sources []string // file:line of every list entry that it came from, and #id where the entry has one
	Comment string
	Except  string // a regular expression: where the line or path matches it too, it is no hit; "" if there is none
	Score   int    // as the list gives it; 0 means that it gives none
}

// A Hit is a place where an indicator was found. Every indicator is reported once per line.
type Hit struct {
	Indicator *Indicator
	Line      int64  // of the decoded stream, from 1
	Offset    int64  // of the match in the decoded stream
	Text      []byte // the line, cut around the match where it is long; valid only during the call
	Member    string // the member of the archive that the line stands in, archives inside it separated by "!"
	Inside    string // the encodings around the text, outermost first: "" or "gzip" or "gzip+base64"
}
