package corpus

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
)

// An Indicator is one entry of the lists.
type Indicator struct {
	Type  string // ipv4, domain, url, md5, sha1, sha256 or filename
	Value string // as the lists spell it
}

// Sizes are the lengths of the lists. Each list begins with the one before.
var Sizes = []int{1, 10, 1_000, 10_000, 100_000}

// The mix of twenty indicators: nine addresses, six domains, two URLs, two digests, a file name.
const mix = "adauadahdafadauadhad"

var (
	syllables = strings.Fields("bar ben cal cor dan del dor fen fil gar gol hen hol jan jor kal kel lan lor mar mel min mor nar nel nor pal per pol ran rel rin sal sen sol tan tel tor val ver vin wal wen zan zel " +
		"net data cloud mail shop game pay app web soft bank host news")
	suffixes   = strings.Fields("com com com com net net org info biz io ru cn de fr xyz top site online co.uk com.br")
	extensions = strings.Fields("exe dll ps1 php jsp vbs bat elf") // none of them is a top-level domain
	digests    = []struct {
		name   string
		digits int
	}{{"md5", 32}, {"md5", 32}, {"sha1", 40}, {"sha256", 64}, {"sha256", 64}}
)

// Indicators returns n indicators: the first n of those that any larger number begins with. No two of them name the same host, and
// none of the names stands below another one, so that what is planted for one is found by that one alone.
func Indicators(seed uint64, n int) []Indicator {
	l := lists{rng: rand.New(rand.NewPCG(seed, 0x10c)), taken: map[string]bool{}} //nolint:gosec // the seed decides
	out := make([]Indicator, 0, n)
	for len(out) < n {
		out = append(out, l.next(mix[len(out)%len(mix)]))
	}
	return out
}

// lists makes indicators that are all different.
type lists struct {
	rng   *rand.Rand
	taken map[string]bool
}

func (l *lists) next(kind byte) Indicator {
	switch kind {
	case 'a':
		return Indicator{"ipv4", l.unique(func() string { return address(l.rng, 1) })}
	case 'd':
		return Indicator{"domain", l.host()}
	case 'u':
		host := l.host()
		if l.rng.IntN(4) == 0 {
			host = l.unique(func() string { return address(l.rng, 1) })
		}
		page := word(l.rng, 1+l.rng.IntN(2)) + "/" + word(l.rng, 2) + "." + pick(l.rng, extensions)
		return Indicator{"url", "http://" + host + "/" + page}
	case 'h':
		d := digests[l.rng.IntN(len(digests))]
		return Indicator{d.name, l.unique(func() string { return hexDigits(l.rng, d.digits) })}
	default:
		return Indicator{"filename", l.unique(func() string {
			return word(l.rng, 2) + pick(l.rng, []string{"", "-", "_"}) + hexDigits(l.rng, 2+l.rng.IntN(4)) + "." + pick(l.rng, extensions)
		})}
	}
}

func (l *lists) host() string {
	name := l.unique(func() string { return registered(l.rng) })
	if l.rng.IntN(4) == 0 {
		return word(l.rng, 1) + "." + name
	}
	return name
}

func (l *lists) unique(create func() string) string {
	for {
		if s := create(); !l.taken[s] {
			l.taken[s] = true
			return s
		}
	}
}

// address returns a public address. The sum of the bytes of those in the lists is odd (parity 1), of all others even.
func address(rng *rand.Rand, parity uint32) string {
	for {
		v := rng.Uint32()
		a := netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
		first, sum := v>>24, v>>24+v>>16&255+v>>8&255+v&255
		if first > 0 && first < 224 && first != 10 && first != 100 && first != 127 && first != 169 && first != 172 && first != 192 && first != 198 && sum&1 == parity {
			return a.String()
		}
	}
}

// registered returns a name as it is registered: a label and what stands above it.
func registered(rng *rand.Rand) string {
	label := word(rng, 2+rng.IntN(3))
	switch rng.IntN(4) {
	case 0: // as malware draws them
		label = string(rune('a'+rng.IntN(26))) + letters(rng, 8+rng.IntN(10))
	case 1:
		label = word(rng, 2) + "-" + word(rng, 2)
	}
	return label + "." + pick(rng, suffixes)
}

func word(rng *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		b.WriteString(pick(rng, syllables))
	}
	return b.String()
}

func hexDigits(rng *rand.Rand, n int) string { return draw(rng, n, "0123456789abcdef") }
func letters(rng *rand.Rand, n int) string {
	return draw(rng, n, "abcdefghijklmnopqrstuvwxyz0123456789")
}

func draw(rng *rand.Rand, n int, from string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = from[rng.IntN(len(from))]
	}
	return string(b)
}

func pick(rng *rand.Rand, from []string) string { return from[rng.IntN(len(from))] }

// listName is the name of the list of the first n indicators.
func listName(n int) string {
	if n >= 1000 {
		return fmt.Sprintf("%dk.txt", n/1000)
	}
	return fmt.Sprintf("%d.txt", n)
}
