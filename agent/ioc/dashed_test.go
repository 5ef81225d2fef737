package ioc

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func dashedSet(t testing.TB, list string) *Set {
	t.Helper()
	inds, err := ReadList("list", strings.NewReader(list))
	if err != nil {
		t.Fatal(err)
	}
	set, err := NewSet(inds, Dashed)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestDashedAddresses(t *testing.T) {
	yes := []string{"198-51-100-7", "ip-198-51-100-7", "ec2-198-51-100-7.compute-1.amazonaws.com", "198-51-100-7.static.example.net", "host ip-198-51-100-7:443", "x_198-51-100-7",
		"ip-198-51-100-7-eu", "a.198-51-100-7.b", "ip--198-51-100-7", "198%2D51%2D100%2D7"}
	no := []string{"1198-51-100-7", "198-51-100-70", "198-51-100-7-5", "5-198-51-100-7", "2026-198-51-100-7", "12345-198-51-100-7", "198-51-100-7a", "a198-51-100-7", "198-051-100-007", "198-51.100-7", "198--51-100-7", "198-51-100"}
	for _, indicator := range []string{"198.51.100.7", "198.51.100.0/28"} {
		set := dashedSet(t, indicator)
		for _, text := range append(yes, "198.51.100.7") {
			if hits, _ := grep(set, []byte("x\n"+text+"\n"), 5); len(hits) != 1 {
				t.Errorf("%s in %q: %q", indicator, text, hits)
			}
			if hits, _ := grep(mustSet(t, indicator), []byte(text), 5); len(hits) != 0 && text != "198.51.100.7" {
				t.Errorf("%s in %q though nobody asked: %q", indicator, text, hits)
			}
		}
		if indicator != "198.51.100.7" {
			continue
		}
		for _, text := range no {
			if hits, _ := grep(set, []byte(text), 5); len(hits) != 0 {
				t.Errorf("%s must not be in %q: %q", indicator, text, hits)
			}
		}
	}
	if hits := dashedSet(t, "198.51.100.7").MatchName("/var/log/ip-198-51-100-7.log"); len(hits) != 0 {
		t.Error("an address is no name:", hits)
	}
}

// Every address that is written with dashes is found, wherever the blocks end.
func TestDashedAnywhere(t *testing.T) {
	set := dashedSet(t, "198.51.100.7")
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 9))
		var text strings.Builder
		var want []string
		for n := range 60 {
			line := strings.Repeat("-1 2-", r.IntN(30))
			if r.IntN(2) == 0 {
				line += " ip-198-51-100-7"
				want = append(want, fmt.Sprint(n+1, " ipv4 198.51.100.7"))
			}
			text.WriteString(line + "\n")
		}
		got := scanSplit(t, set, text.String(), r)
		if len(got) != len(want) {
			t.Fatalf("seed %d: %d hits, want %d", seed, len(got), len(want))
		}
	}
}
