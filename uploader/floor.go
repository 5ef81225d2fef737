package uploader

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
)

// A Floor is the free space that a store must leave on its volume: a number of bytes, or a share of the volume.
// The zero Floor leaves nothing.
type Floor struct {
	bytes   uint64
	percent float64
}

// ParseFloor reads a floor as people write it: "5%", "2GiB", "500MB", "0".
func ParseFloor(s string) (Floor, error) {
	s = strings.TrimSpace(s)
	if number, ok := strings.CutSuffix(s, "%"); ok {
		percent, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || math.IsNaN(percent) || percent < 0 || percent >= 100 {
			return Floor{}, fmt.Errorf("free-space floor %q: want a percentage from 0%% to below 100%%", s)
		}
		return Floor{percent: math.Abs(percent)}, nil // -0 is 0
	}
	bytes, err := humanize.ParseBytes(s)
	if err != nil {
		return Floor{}, fmt.Errorf("free-space floor %q: want a percentage such as 5%%, or a size such as 2GiB", s)
	}
	return Floor{bytes: bytes}, nil
}

// Bytes returns the floor of a volume of total bytes.
func (f Floor) Bytes(total uint64) uint64 {
	if f.percent > 0 {
		return uint64(f.percent / 100 * float64(total))
	}
	return f.bytes
}

// String returns f in the form that [ParseFloor] reads.
func (f Floor) String() string {
	if f.percent > 0 {
		return strconv.FormatFloat(f.percent, 'f', -1, 64) + "%"
	}
	for _, unit := range []struct {
		name string
		size uint64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if f.bytes != 0 && f.bytes%unit.size == 0 {
			return strconv.FormatUint(f.bytes/unit.size, 10) + unit.name
		}
	}
	return strconv.FormatUint(f.bytes, 10)
}

// MarshalText makes a Floor readable in logs and in case.json.
func (f Floor) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText is [ParseFloor] for flags and files.
func (f *Floor) UnmarshalText(text []byte) error {
	if f == nil {
		return errors.New("reading a floor into nil")
	}
	parsed, err := ParseFloor(string(text))
	if err != nil {
		return err
	}
	*f = parsed
	return nil
}
