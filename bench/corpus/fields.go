package corpus

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// A maker draws the fields of one log.
type maker struct {
	rng   *rand.Rand
	now   time.Time
	clue  string // what <clue> stands for
	addrs skewed
	names skewed
	pages skewed
	users skewed
}

// A field appends one value.
type field func(m *maker, b []byte) []byte

var (
	tools  = strings.Fields("bash curl dash find grep id ls perl ps python3 sed systemctl tar uname wget")
	agents = []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:132.0) Gecko/20100101 Firefox/132.0",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
		"curl/8.11.0", "python-requests/2.32.3", "Go-http-client/2.0",
	}
	services = strings.Fields("22 53 80 123 443 443 443 3306 3389 5432 6379 8080")
)

var fields = map[string]field{
	"addr":    func(m *maker, b []byte) []byte { return append(b, m.addrs.draw()...) },
	"rare":    func(m *maker, b []byte) []byte { return append(b, address(m.rng, 0)...) },
	"name":    func(m *maker, b []byte) []byte { return append(b, m.names.draw()...) },
	"page":    func(m *maker, b []byte) []byte { return append(b, m.pages.draw()...) },
	"user":    func(m *maker, b []byte) []byte { return append(b, m.users.draw()...) },
	"hexpage": func(m *maker, b []byte) []byte { return append(b, hexArguments(m.pages.draw())...) },
	"tool":    func(m *maker, b []byte) []byte { return append(b, pick(m.rng, tools)...) },
	"agent":   func(m *maker, b []byte) []byte { return append(b, pick(m.rng, agents)...) },
	"service": func(m *maker, b []byte) []byte { return append(b, pick(m.rng, services)...) },
	"lan": func(m *maker, b []byte) []byte {
		b = append(append(b, "10.20."...), strconv.Itoa(m.rng.IntN(16))...)
		return strconv.AppendInt(append(b, '.'), m.rng.Int64N(250)+4, 10)
	},
	"machine": func(m *maker, b []byte) []byte {
		n := m.rng.IntN(40)
		return strconv.AppendInt(append(b, []string{"web-", "db-", "worker-", "bastion-"}[n%4]...), int64(n/4+1), 10)
	},
	"num":   number(10_000),
	"size":  number(200_000),
	"pid":   number(65_536),
	"port":  func(m *maker, b []byte) []byte { return strconv.AppendInt(b, m.rng.Int64N(64_511)+1024, 10) },
	"unix":  func(m *maker, b []byte) []byte { return strconv.AppendInt(b, m.now.Unix(), 10) },
	"stamp": moment(time.Stamp), "clf": moment("02/Jan/2006:15:04:05 -0700"), "rfc3339": moment(time.RFC3339), "w3c": moment(time.DateTime),
	"hex10": func(m *maker, b []byte) []byte { return append(b, hexDigits(m.rng, 10)...) },
	"hex32": func(m *maker, b []byte) []byte { return append(b, hexDigits(m.rng, 32)...) },
	"hex64": func(m *maker, b []byte) []byte { return append(b, hexDigits(m.rng, 64)...) },
	"HEX16": func(m *maker, b []byte) []byte { return append(b, strings.ToUpper(hexDigits(m.rng, 16))...) },
	"uuid": func(m *maker, b []byte) []byte {
		h := hexDigits(m.rng, 32)
		return append(b, strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")...)
	},
	"base64": func(m *maker, b []byte) []byte {
		return append(b, draw(m.rng, 43, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")...)
	},
	"clue":       func(m *maker, b []byte) []byte { return append(b, m.clue...) },
	"hexclue":    func(m *maker, b []byte) []byte { return append(b, hexArguments(m.clue)...) },
	"base64clue": func(m *maker, b []byte) []byte { return append(b, encodedCommand(m.clue)...) },
}

func number(below int64) field {
	return func(m *maker, b []byte) []byte { return strconv.AppendInt(b, m.rng.Int64N(below), 10) }
}

func moment(layout string) field {
	return func(m *maker, b []byte) []byte { return m.now.AppendFormat(b, layout) }
}

// skewed draws from values of which a few are frequent and most are rare.
type skewed struct {
	values []string
	zipf   *rand.Zipf
}

func (s *skewed) draw() string { return s.values[s.zipf.Uint64()] }

func skew(rng *rand.Rand, n int, create func() string) skewed {
	s := skewed{zipf: rand.NewZipf(rng, 1.1, 8, uint64(n-1))}
	for range n {
		s.values = append(s.values, create())
	}
	return s
}

// newMaker makes the world that a log speaks of. Nothing in it is an indicator.
func newMaker(rng *rand.Rand, listed map[string]bool) *maker {
	m := &maker{rng: rng, now: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)}
	m.addrs = skew(rng, 50_000, func() string { return address(rng, 0) })
	m.names = skew(rng, 5_000, func() string {
		for {
			if name := registered(rng); !listed[name] {
				return "www." + name
			}
		}
	})
	m.pages = skew(rng, 2_000, func() string {
		var b strings.Builder
		for range 1 + rng.IntN(4) {
			b.WriteString("/" + word(rng, 1+rng.IntN(2)))
		}
		return b.String() + pick(rng, []string{"", "", ".html", ".js", ".png", ".aspx"})
	})
	m.users = skew(rng, 200, func() string { return word(rng, 2) })
	return m
}
