package ioc

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// maxValue is the length in bytes that an indicator may have: the engine keeps more than twice as much of a stream around
// every place that it looks at.
const maxValue = 2048

// The words that force a type in a list, as in ip:1.2.3.4.
var prefixes = map[string]Type{
	"ip": "", "hash": "", // the kind of address or digest is seen in the value
	"ipv4": IPv4, "ipv6": IPv6, "cidr": CIDR, "domain": Domain, "hostname": Hostname, "host": Hostname, "url": URL, "email": Email,
	"md5": MD5, "sha1": SHA1, "sha256": SHA256, "sha512": SHA512, "filename": Filename, "file": Filename, "path": Path,
	"registry": Registry, "mutex": Mutex, "useragent": UserAgent, "string": String, "regex": Regex,
}

// Names that end in one of these are taken for scripts and libraries, although they are top-level domains too.
var scriptTLD = map[string]bool{"sh": true, "py": true, "pl": true, "so": true, "zip": true, "md": true, "ps": true}

// Top-level domains that are in use and that no registry sells.
var privateTLD = map[string]bool{"onion": true, "i2p": true, "bit": true, "local": true, "lan": true, "internal": true, "corp": true, "test": true, "example": true, "invalid": true}

// guess tells the type of a value and returns the value without what forces the type.
func guess(raw string) (Type, string) {
	raw = strings.TrimSpace(raw)
	if word, rest, ok := strings.Cut(raw, ":"); ok {
		t, known := prefixes[strings.ToLower(word)]
		switch {
		case !known || strings.HasPrefix(rest, "//"):
		case t != "":
			return t, strings.TrimSpace(rest)
		default:
			return guessKind(word, refang(rest)), strings.TrimSpace(rest)
		}
	}
	return guessPlain(raw), raw
}

// guessKind tells which address or digest a value is, that a list calls ip or hash. It is an error later if it is neither.
func guessKind(word, v string) Type {
	if strings.EqualFold(word, "hash") {
		return cmp.Or(digestType(v), MD5)
	}
	return cmp.Or(guessAddress(v), IPv4)
}

func guessPlain(raw string) Type {
	v := refang(raw)
	if t := guessAddress(v); t != "" {
		return t
	}
	if t := digestType(v); t != "" {
		return t
	}
	if guessURL(v) {
		return URL
	}
	if strings.IndexByte(v, '@') > 0 {
		if _, err := parseEmail(v); err == nil {
			return Email
		}
	}
	if looksLikeHost(v) {
		return Domain
	}
	return guessName(raw)
}

func guessAddress(v string) Type {
	if !mayBeAddr(v) {
		return ""
	}
	if p, err := netip.ParsePrefix(v); err == nil {
		switch {
		case !p.IsSingleIP():
			return CIDR
		case p.Addr().Is4():
			return IPv4
		}
		return IPv6
	}
	if a, err := parseAddr(v); err == nil {
		if a.Is4() {
			return IPv4
		}
		return IPv6
	}
	if addr, bits, ok := strings.Cut(v, "/"); isQuad(addr) && (!ok || isNumber(bits) && len(bits) <= 3) {
		return map[bool]Type{true: CIDR, false: IPv4}[ok] // and an error later
	}
	return ""
}

// isQuad reports whether v is meant to be an address of IPv4, in range or not.
func isQuad(v string) bool {
	groups := strings.Split(v, ".")
	for _, g := range groups {
		if !isNumber(g) || len(g) > 3 {
			return false
		}
	}
	return len(groups) == 4
}

// mayBeAddr reports whether it is worth the while to read v as an address or a network.
func mayBeAddr(v string) bool {
	if v == "" || len(v) > maxAddr {
		return false
	}
	if strings.IndexByte(v, ':') < 0 {
		return isDigit(v[0]) && isDigit(v[len(v)-1]) && strings.IndexByte(v, '.') > 0
	}
	return v[0] == '[' || v[0] == ':' || isHex(v[0])
}

// maxAddr is longer than any address with zone and port.
const maxAddr = 128

func guessURL(v string) bool {
	if scheme, _, ok := strings.Cut(v, "://"); ok {
		return isWord(scheme)
	}
	host, _, ok := strings.Cut(v, "/")
	return ok && (looksLikeHost(host) || guessAddress(host) == IPv4) && !strings.ContainsAny(v, " \t")
}

// guessName tells paths, registry keys and file names from mere strings.
func guessName(raw string) Type {
	upper := strings.ToUpper(raw)
	switch {
	case strings.HasPrefix(upper, `HKEY_`), strings.HasPrefix(upper, `HKLM\`), strings.HasPrefix(upper, `HKCU\`), strings.HasPrefix(upper, `HKU\`):
		return Registry
	case strings.HasPrefix(raw, "/"), strings.HasPrefix(raw, `\`), strings.HasPrefix(raw, "~/"), strings.HasPrefix(raw, "%") && strings.Contains(raw, `%\`):
		return Path
	case len(raw) > 3 && raw[1] == ':' && (raw[2] == '\\' || raw[2] == '/'):
		return Path
	case fileName.MatchString(raw):
		return Filename
	}
	return String
}

var fileName = regexp.MustCompile(`^[^\s/\\:*?"<>|]+\.[A-Za-z][A-Za-z0-9]{0,4}$`)

// parseValue reads a value of a known type, and returns it in the type's normal form.
func parseValue(t Type, raw string) (Indicator, error) {
	raw = strings.TrimSpace(raw)
	ind := Indicator{Type: t, Raw: raw}
	if raw == "" {
		return ind, errors.New("no value")
	}
	if len(raw) > maxValue {
		return ind, fmt.Errorf("%d bytes are too long: an indicator has at most %d", len(raw), maxValue)
	}
	if strings.ContainsAny(raw, "\x00\n\r") {
		return ind, errors.New("a line break or NUL can't be part of an indicator: use regex: and what stands between them")
	}
	var err error
	ind.Type, ind.Value, err = normalise(t, raw)
	if ind.Value == raw {
		ind.Value = raw // one string, kept once
	}
	return ind, err
}

func normalise(t Type, raw string) (Type, string, error) {
	switch t {
	case IPv4, IPv6:
		a, err := parseAddr(refang(raw))
		if err != nil {
			return t, "", fmt.Errorf("%q is no address", raw)
		}
		if a.Is4() {
			return IPv4, a.String(), nil
		}
		return IPv6, a.String(), nil
	case CIDR:
		return parseNet(refang(raw))
	case Domain, Hostname:
		v, err := parseHost(refang(raw))
		return t, v, err
	case URL:
		v, err := parseURL(refang(raw))
		return t, v, err
	case Email:
		v, err := parseEmail(refang(raw))
		return t, v, err
	case MD5, SHA1, SHA256, SHA512:
		if digestType(raw) != t {
			return t, "", fmt.Errorf("%q is no %s digest", raw, t)
		}
		return t, strings.ToLower(raw), nil
	}
	return normaliseName(t, raw)
}

func normaliseName(t Type, raw string) (Type, string, error) {
	switch t {
	case Filename:
		if strings.ContainsAny(raw, `/\`) {
			return Path, parsePath(raw), nil
		}
		return t, raw, nil
	case Path:
		return t, parsePath(raw), nil
	case Registry:
		return t, parseKey(raw), nil
	case String, Mutex, UserAgent:
		return t, raw, nil
	case Regex:
		if _, err := regexp.Compile(raw); err != nil {
			return t, "", err
		}
		return t, raw, nil
	}
	return t, "", fmt.Errorf("unknown type %q", t)
}

// parseAddr reads an address with what may stand around it: brackets, a port, a zone, a prefix of full length.
func parseAddr(s string) (netip.Addr, error) {
	if strings.IndexByte(s, '/') > 0 {
		if p, err := netip.ParsePrefix(s); err == nil && p.IsSingleIP() {
			return p.Addr().Unmap(), nil
		}
	}
	if strings.IndexByte(s, ':') > 0 {
		if ap, err := netip.ParseAddrPort(s); err == nil {
			return ap.Addr().Unmap().WithZone(""), nil
		}
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	return a.Unmap().WithZone(""), err
}

func parseNet(s string) (Type, string, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return CIDR, "", fmt.Errorf("%q is no network in the form 198.51.100.0/24", s)
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	if p.IsSingleIP() {
		return normalise(map[bool]Type{true: IPv4, false: IPv6}[p.Addr().Is4()], p.Addr().String())
	}
	return CIDR, p.Masked().String(), nil
}

// parseHost returns a name in lower case and in ASCII, without what lists put around it: a wildcard, dots, a port.
func parseHost(s string) (string, error) {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "*"), ".")
	if h, port, ok := strings.Cut(s, ":"); ok && isNumber(port) {
		s = h
	}
	s = strings.ToLower(strings.TrimSuffix(s, "."))
	if !isASCII(s) {
		a, err := idna.Lookup.ToASCII(s)
		if err != nil {
			return "", fmt.Errorf("%q is no domain name: %w", s, err)
		}
		s = a
	}
	if len(s) > 253 || !isHost(s) {
		return "", fmt.Errorf("%q is no domain name: use string: to look for it as it stands", s)
	}
	return s, nil
}

// isHost reports whether s is made of labels of letters, digits, dashes and underscores, and not of digits alone.
func isHost(s string) bool {
	letter := false
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if !isAlnum(c) && c != '-' && c != '_' {
				return false
			}
			letter = letter || c > '9'
		}
	}
	return letter && isAlnum(s[len(s)-1])
}

// looksLikeHost reports whether s is a domain name rather than the name of a file.
func looksLikeHost(s string) bool {
	if strings.ContainsAny(s, " /\\@") {
		return false
	}
	h, err := parseHost(s)
	if err != nil || strings.IndexByte(h, '.') < 0 {
		return false
	}
	suffix, icann := publicsuffix.PublicSuffix(h)
	return underTLD(h, suffix, icann)
}

// underTLD reports whether the normal form of a name, which has this public suffix, stands below a top-level domain of which it is not more
// likely that it tells the type of a file.
func underTLD(name, suffix string, icann bool) bool {
	i := strings.LastIndexByte(name, '.')
	if tld := name[i+1:]; icann || strings.IndexByte(suffix, '.') >= 0 || privateTLD[tld] {
		return !scriptTLD[tld] || strings.IndexByte(name[:i], '.') >= 0
	}
	return false
}

// isTopLevel reports whether s is a top-level domain, or the host itself: no list means these, and as strings they are everywhere.
func isTopLevel(s string) bool {
	if !isWord(s) {
		return false
	}
	s = strings.ToLower(s)
	_, icann := publicsuffix.PublicSuffix(s)
	return icann || s == "localhost"
}

// parseURL returns a URL without scheme, user and fragment, in the spelling in which it is looked for. A URL that names
// only a host keeps "://", so that the mere name of the host is no hit.
func parseURL(s string) (string, error) {
	rest := strings.TrimPrefix(s, "://")
	if scheme, r, ok := strings.Cut(s, "://"); ok && isWord(scheme) {
		rest = r
	}
	rest, _, _ = strings.Cut(rest, "#")
	host, path := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	host = host[strings.LastIndexByte(host, '@')+1:]
	spelt := host
	host, err := urlHost(host)
	if err != nil {
		return "", fmt.Errorf("%q is no URL: %w", s, err)
	}
	if strings.HasPrefix(path, "?") {
		path = "/" + path
	}
	if path == "" || path == "/" {
		return "://" + host, nil
	}
	if host == spelt && strings.HasSuffix(rest, path) {
		return rest[len(rest)-len(path)-len(host):], nil // one string, kept once
	}
	return host + path, nil
}

// urlHost normalises the host of a URL and drops the ports that say nothing.
func urlHost(s string) (string, error) {
	if strings.HasPrefix(s, "[") {
		u, err := url.Parse("http://" + s)
		if err != nil {
			return "", err
		}
		return strings.ToLower(u.Host), nil
	}
	host, port, _ := strings.Cut(s, ":")
	if port == "80" || port == "443" {
		port = ""
	}
	if port != "" && !isNumber(port) {
		return "", fmt.Errorf("%q is no port", port)
	}
	host, err := hostOrAddr(host)
	if err != nil {
		return "", err
	}
	if port != "" {
		host += ":" + port
	}
	return host, nil
}

func hostOrAddr(host string) (string, error) {
	if mayBeAddr(host) {
		if a, err := netip.ParseAddr(host); err == nil {
			return a.String(), nil
		}
	}
	return parseHost(host)
}

func parseEmail(s string) (string, error) {
	s = strings.TrimPrefix(s, "mailto:")
	i := strings.LastIndexByte(s, '@')
	if i <= 0 || strings.ContainsAny(s, " \t/\\:<>\"(),;") {
		return "", fmt.Errorf("%q is no e-mail address", s)
	}
	host, err := parseHost(s[i+1:])
	if err != nil {
		return "", fmt.Errorf("%q is no e-mail address: %w", s, err)
	}
	return strings.ToLower(s[:i]) + "@" + host, nil
}

// parsePath returns a path with slashes, and without the variable that it may begin with: nobody knows its value here.
func parsePath(s string) string {
	if strings.HasPrefix(s, "%") {
		if i := strings.IndexByte(s[1:], '%'); i > 0 && i+2 < len(s) && (s[i+2] == '\\' || s[i+2] == '/') {
			s = s[i+2:]
		}
	}
	s = strings.TrimPrefix(s, "~")
	s = strings.ReplaceAll(s, `\`, "/")
	for strings.Contains(s, "//") {
		s = strings.ReplaceAll(s, "//", "/")
	}
	return s
}

// parseKey returns a registry key from below its hive on: logs spell the hives in too many ways.
func parseKey(s string) string {
	s = parsePath(s)
	hive, rest, ok := strings.Cut(s, "/")
	if h := strings.ToUpper(hive); ok && rest != "" && (strings.HasPrefix(h, "HK") || h == "REGISTRY") {
		return "/" + rest
	}
	return s
}

func digestType(s string) Type {
	for i := range len(s) {
		if !isHex(s[i]) {
			return ""
		}
	}
	switch len(s) {
	case 32:
		return MD5
	case 40:
		return SHA1
	case 64:
		return SHA256
	case 128:
		return SHA512
	}
	return ""
}

func isWord(s string) bool {
	for i := range len(s) {
		if !isAlnum(s[i]) && s[i] != '+' && s[i] != '-' {
			return false
		}
	}
	return s != ""
}

func isNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}
