package profiles

import (
	"testing"
	"time"
)

func TestParseSizeAndAge(t *testing.T) {
	for in, want := range map[string]int64{
		"0": 0, "1": 1, "1048576": 1 << 20, "64MiB": 64 << 20, "64 MiB": 64 << 20, "64mib": 64 << 20, "2GB": 2e9, "1.5GiB": 3 << 29, "10k": 10e3,
		"9223372036854775807": 1<<63 - 1,
		"":                    -1, "x": -1, "-1": -1, "1,5GiB": -1, "9223372036854775808": -1, "1 XiB": -1, "0x10": -1, "NaN": -1, "1e9": -1,
	} {
		got, err := ParseSize(in)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("ParseSize(%q) = %d, %v, want %d", in, got, err, want)
		}
	}
	for in, want := range map[string]time.Duration{
		"0": 0, "90s": 90 * time.Second, "1h30m": 90 * time.Minute, "14d": 14 * day, "2w": 14 * day, "1w2d12h": 9*day + 12*time.Hour, "1d1.5h": day + 90*time.Minute,
		"": -1, "14": -1, "-3d": -1, "-3h": -1, "1d-3h": -1, "+3h": -1, "1.5d": -1, "2d1w": -1, "d": -1, "1d2": -1, "99999999w": -1, "106751d24h": -1, "3 d": -1, "1day": -1,
	} {
		got, err := ParseAge(in)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("ParseAge(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
}
