package ioc

import (
	"fmt"
	"strings"
	"testing"
)

const benchEntries = 100_000

// benchValue returns an entry of the types that feeds have, and what MISP and STIX call its type.
func benchValue(i int) (value, misp, stix string) {
	switch i % 10 {
	case 0, 1, 2, 3:
		return fmt.Sprintf("%d.%d.%d.%d", 11+i%80, i>>8&255, i&255, i%251), "ip-dst", "ipv4-addr:value"
	case 4, 5, 6:
		return fmt.Sprintf("host%d.evil-%d.com", i, i%1000), "domain", "domain-name:value"
	case 7:
		return fmt.Sprintf("hxxp://bad%d[.]example[.]net/a/%d", i, i), "url", "url:value"
	case 8:
		return fmt.Sprintf("%064x", i*7919), "sha256", "file:hashes.'SHA-256'"
	}
	return fmt.Sprintf("mal%d.exe", i), "filename", "file:name"
}

// benchLists are the same entries in the formats that feeds come in.
func benchLists() map[Format]string {
	var plain, table, stix, misp strings.Builder
	table.WriteString("first_seen,ioc_type,ioc_value,confidence,malware\n")
	stix.WriteString("{\"type\": \"bundle\", \"id\": \"bundle--0\", \"objects\": [\n")
	misp.WriteString("{\"Event\": {\"info\": \"feed\", \"Attribute\": [\n")
	for i := range benchEntries {
		value, mispType, path := benchValue(i)
		comma := ","
		if i == benchEntries-1 {
			comma = ""
		}
		fmt.Fprintf(&plain, "%s\n", value)
		fmt.Fprintf(&table, "2026-11-01 10:00:00,%s,%s,75,SvcUpd\n", mispType, value)
		fmt.Fprintf(&stix, "  {\"type\": \"indicator\", \"spec_version\": \"2.1\", \"id\": \"indicator--%08x-0000-4000-8000-000000000000\", \"created\": \"2026-11-01T00:00:00.000Z\", \"modified\": \"2026-11-01T00:00:00.000Z\", \"name\": \"SvcUpd\", \"pattern\": \"[%s = '%s']\", \"pattern_type\": \"stix\", \"valid_from\": \"2026-11-01T00:00:00Z\"}%s\n", i, path, value, comma)
		fmt.Fprintf(&misp, "  {\"uuid\": \"%08x-0000-4000-8000-000000000000\", \"type\": \"%s\", \"category\": \"Network activity\", \"to_ids\": true, \"timestamp\": \"1762000000\", \"distribution\": \"5\", \"comment\": \"\", \"value\": \"%s\"}%s\n", i, mispType, value, comma)
	}
	stix.WriteString("]}\n")
	misp.WriteString("]}}\n")
	return map[Format]string{Plain: plain.String(), CSV: table.String(), STIX: stix.String(), MISP: misp.String()}
}

// BenchmarkLoad reads 100,000 entries and makes a set of them.
func BenchmarkLoad(b *testing.B) {
	for format, list := range benchLists() {
		b.Run(string(format), func(b *testing.B) {
			b.SetBytes(int64(len(list)))
			b.ReportAllocs()
			for b.Loop() {
				inds, err := Options{}.Read("list", strings.NewReader(list))
				if err != nil || len(inds) != benchEntries {
					b.Fatal(len(inds), err)
				}
				if _, err := NewSet(inds); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
