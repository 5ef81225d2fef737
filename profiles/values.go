package profiles

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// ParseSize reads a number of bytes: 1048576, 64KiB, 64MiB, 1.5GiB, 2GB. KiB, MiB … are powers of 1024, kB, MB … of 1000.
func ParseSize(s string) (int64, error) {
	n, err := humanize.ParseBytes(s)
	if err != nil || n > math.MaxInt64 || strings.ContainsAny(s, ",\n") {
		return 0, fmt.Errorf("%q is no size: write 64MiB, 2GB or a number of bytes", s)
	}
	return int64(n), nil
}

// ParseAge reads a length of time: 90s, 15m, 1h30m, 14d, 2w, 1w2d12h. Weeks and days, if any, come first and are whole; a
// day has 24 hours. A negative one is refused.
func ParseAge(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is no length of time: write 90s, 15m, 12h, 14d or 2w", s)
	rest := s
	var total time.Duration
	for _, unit := range []struct {
		letter string
		length time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		digits, after, found := strings.Cut(rest, unit.letter)
		if !found || !onlyDigits(digits) {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n > int64((math.MaxInt64-total)/unit.length) {
			return 0, errTooLong(s)
		}
		total += time.Duration(n) * unit.length
		rest = after
	}
	if rest == "" && s != "" {
		return total, nil
	}
	if rest == "" || rest[0] == '-' || rest[0] == '+' {
		return 0, bad
	}
	d, err := time.ParseDuration(rest)
	if err != nil {
		return 0, bad
	}
	if d > math.MaxInt64-total {
		return 0, errTooLong(s)
	}
	return total + d, nil
}

func errTooLong(s string) error {
	return fmt.Errorf("%q is longer than %d years", s, int64(math.MaxInt64/(365*24*time.Hour)))
}

func onlyDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
