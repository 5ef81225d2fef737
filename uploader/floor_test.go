package uploader

import "testing"

func TestParseFloor(t *testing.T) {
	const volume = 100 << 30
	for _, test := range []struct {
		in    string
		bytes uint64
		out   string
	}{
		{"0", 0, "0"},
		{"0%", 0, "0"},
		{"5%", 5 << 30, "5%"},
		{" 2.5 % ", 5 << 29, "2.5%"},
		{"2GiB", 2 << 30, "2GiB"},
		{"2 gib", 2 << 30, "2GiB"},
		{"500MB", 500_000_000, "500000000"},
		{"1536KiB", 1536 << 10, "1536KiB"},
		{"123", 123, "123"},
	} {
		f, err := ParseFloor(test.in)
		if err != nil {
			t.Errorf("%q: %v", test.in, err)
			continue
		}
		if got := f.Bytes(volume); got != test.bytes {
			t.Errorf("%q: got %d bytes, want %d", test.in, got, test.bytes)
		}
		if got := f.String(); got != test.out {
			t.Errorf("%q: got %q, want %q", test.in, got, test.out)
		}
	}
	for _, in := range []string{"", "%", "-5%", "100%", "NaN%", "inf%", "5%%", "-1", "2XiB", "GiB", "1e400%", "99999999999999999999GiB"} {
		if f, err := ParseFloor(in); err == nil {
			t.Errorf("%q: got %v, want an error", in, f)
		}
	}
}

// What parses prints in a form that parses to the same.
func FuzzParseFloor(f *testing.F) {
	for _, seed := range []string{"5%", "2GiB", "0", "2.5%", "500MB", "-0%", "1e-300%", "18446744073709551615", "1,000", "٣%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		floor, err := ParseFloor(s)
		if err != nil {
			return
		}
		var again Floor
		if err := again.UnmarshalText([]byte(floor.String())); err != nil || again != floor {
			t.Errorf("%q prints as %q, which is %v, %v", s, floor, again, err)
		}
		const volume = 1 << 40
		if floor.percent > 0 && floor.Bytes(volume) >= volume {
			t.Errorf("%q of a volume of %d bytes is %d", s, uint64(volume), floor.Bytes(volume))
		}
	})
}
