package ioc

import (
	"cmp"
	"fmt"
	"strings"
)

// What a list may call a type without saying which of our types it is.
const (
	anyType    Type = "any"
	anyAddress Type = "ip"   // of either family, or a network
	anyDigest  Type = "hash" // of any length
	anyHost    Type = "host" // a name or an address
	noType     Type = "none" // the part of a composite that can't be looked for, such as a port
)

// The words by which CSV files, MISP, STIX and the feeds call their types, in small letters and digits alone.
var typeWords = map[string]Type{
	"ip": anyAddress, "ipv4": IPv4, "ipv6": IPv6, "ipaddress": anyAddress, "ipaddr": anyAddress, "ipv4addr": anyAddress, "ipv6addr": anyAddress, "address": anyAddress,
	"ipv4address": anyAddress, "ipv6address": anyAddress, "ipport": anyAddress, "srcip": anyAddress, "dstip": anyAddress, "destip": anyAddress, "ipsrc": anyAddress,
	"ipdst": anyAddress, "sourceip": anyAddress, "destinationip": anyAddress, "c2ip": anyAddress, "cidr": CIDR, "network": CIDR, "netblock": CIDR, "subnet": CIDR,
	"iprange": CIDR, "ipv4cidr": CIDR, "ipv6cidr": CIDR,
	"domain": Domain, "domainname": Domain, "fqdn": Domain, "hostname": Hostname, "host": anyHost, "c2": anyHost, "c2domain": Domain,
	"url": URL, "uri": URL, "link": URL, "hosturl": URL, "c2url": URL,
	"email": Email, "emailaddr": Email, "emailaddress": Email, "mail": Email, "sender": Email, "emailsrc": Email, "emaildst": Email, "emailreplyto": Email,
	"emailsender": Email, "dnssoaemail": Email, "jabberid": Email, "eppn": Email,
	"hash": anyDigest, "filehash": anyDigest, "digest": anyDigest, "checksum": anyDigest, "stixfile": anyDigest,
	"md5": MD5, "md5hash": MD5, "filehashmd5": MD5, "hashmd5": MD5, "imphash": MD5, "ja3fingerprintmd5": MD5, "ja3": MD5, "ja3md5": MD5, "hasshmd5": MD5, "hasshservermd5": MD5,
	"x509fingerprintmd5": MD5, "md5sum": MD5, "sha1": SHA1, "sha1hash": SHA1, "filehashsha1": SHA1, "hashsha1": SHA1, "x509fingerprintsha1": SHA1, "sha1sum": SHA1, "pehash": SHA1,
	"cdhash": SHA1, "sha256": SHA256, "sha256hash": SHA256, "filehashsha256": SHA256, "hashsha256": SHA256, "x509fingerprintsha256": SHA256, "sha256sum": SHA256,
	"authentihash": SHA256, "sha512": SHA512, "sha512hash": SHA512, "filehashsha512": SHA512, "hashsha512": SHA512, "sha512sum": SHA512,
	"filename": Filename, "file": Filename, "emailattachment": Filename, "malwaresample": Filename, "path": Path, "filepath": Path, "directory": Path, "fullpath": Path,
	"registry": Registry, "regkey": Registry, "registrykey": Registry, "windowsregistrykey": Registry, "registrypath": Registry,
	"mutex": Mutex, "mutant": Mutex, "useragent": UserAgent, "httpuseragent": UserAgent,
	"string": String, "text": String, "keyword": String, "pattern": String, "patterninfile": String, "patternintraffic": String, "patterninmemory": String, "emailsubject": String,
	"namedpipe": String, "pipe": String, "cookie": String, "windowsscheduledtask": String, "windowsservicename": String, "windowsservicedisplayname": String,
	"commandline": String, "processname": Filename, "btc": String, "xmr": String, "macaddress": String, "cve": String, "vulnerability": String, "pdb": String,
	"regex": Regex, "regexp": Regex,
	"value": anyType, "indicator": anyType, "indicatorvalue": anyType, "ioc": anyType, "iocvalue": anyType, "observable": anyType, "observablevalue": anyType, "any": anyType,
	"port": noType, "ssdeep": noType, "sizeinbytes": noType,
}

// typeOfWord returns the type that a list calls by a word; "" if there is no such word.
func typeOfWord(word string) Type {
	return typeWords[lettersOf(word)]
}

// lettersOf returns the letters and digits of a word, in lower case.
func lettersOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 && isAlnum(byte(r)) {
			return r | 0x20
		}
		return -1
	}, s)
}

// settle makes one of our types of the type that a list gives to a value.
func settle(t Type, value string) Type {
	switch t {
	case anyAddress:
		return guessKind("ip", refang(value))
	case anyDigest:
		return guessKind("hash", strings.TrimSpace(value))
	case anyHost:
		return cmp.Or(guessAddress(refang(value)), Domain)
	case IPv4, IPv6:
		return cmp.Or(guessAddress(refang(value)), t) // lists give networks the type of their addresses
	}
	return t
}

// An entry is what a list that names types says about a value.
type entry struct {
	typ     string // in the words of the list
	value   string
	comment string
	score   int
}

// addEntry takes an entry. A composite, such as filename|md5, becomes an indicator for each part that can be looked for.
func (l *loader) addEntry(at place, e entry) {
	if e.typ == "malware-sample" && strings.Contains(e.value, "|") {
		e.typ = "filename|md5" // what MISP means by it
	}
	types, values := []string{e.typ}, []string{e.value}
	if strings.Contains(e.typ, "|") {
		types, values = strings.Split(e.typ, "|"), strings.SplitN(e.value, "|", strings.Count(e.typ, "|")+1)
	}
	taken := 0
	for i, word := range types {
		t := typeOfWord(word)
		if len(types) > 1 && (t == noType || t == anyType) || t == "" && taken > 0 {
			continue
		}
		taken++
		if i >= len(values) {
			l.fail(at, fmt.Errorf("%q has not the parts that the type %q names", cutText(e.value, maxNote), e.typ))
			return
		}
		ind, err := parseTyped(t, word, values[i])
		ind.Raw, ind.Score = e.value, e.score
		ind.Comment = e.comment
		if len(types) > 1 {
			ind.Comment = joinNotes(ind.Comment, "part of "+e.typ)
		}
		l.add(at, ind, err)
	}
}

// parseTyped reads a value whose type a list calls by a word.
func parseTyped(t Type, word, value string) (Indicator, error) {
	switch t {
	case "", noType:
		return Indicator{Raw: value}, fmt.Errorf("%q: values of the type %q can't be looked for", cutText(value, maxNote), word)
	case anyType:
		return parseAs("", value, value)
	case URL:
		if strings.HasPrefix(value, "/") {
			return parseValue(String, value) // the path of a URL without its host
		}
	}
	return parseValue(settle(t, value), value)
}
