package uploader

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestPoolReserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(10, 4)
		take := func(need int) []byte {
			t.Helper()
			chunk, err := p.take(t.Context(), need)
			if err != nil {
				t.Fatal(err)
			}
			return chunk
		}
		for range 6 {
			take(100) // above the reserve nobody is asked
		}
		if _, err := p.take(t.Context(), 0); !errors.Is(err, errShip) {
			t.Errorf("an object that can ship: got error %v, want errShip", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := p.take(ctx, 5); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("an object that lacks more than there is: got error %v, want a wait", err)
		}
		for need := 4; need > 0; need-- {
			take(need) // one that can be sure of a part gets it all
		}
		if p.used != 10 || p.peak != 10 {
			t.Errorf("got %d chunks used, %d at most; want 10, 10", p.used, p.peak)
		}

		// What is in flight counts as free for who can wait for it, and comes back.
		got := make(chan []byte)
		go func() { got <- take(3) }()
		synctest.Wait()
		p.launch(5)
		synctest.Wait()
		select {
		case <-got:
			t.Fatal("got a chunk that nobody gave back")
		default:
		}
		p.land(make([][]byte, 5))
		<-got
		if p.used != 6 || p.flying != 0 {
			t.Errorf("got %d chunks used, %d in flight; want 6, 0", p.used, p.flying)
		}
	})
}

func TestPartSizes(t *testing.T) {
	for _, test := range []struct {
		memory, size, want int64
	}{
		{48 << 20, -1, 140 << 30},
		{48 << 20, 100 << 30, 140 << 30},
		{24 << 20, -1, 75 << 30},
		{2 << 30, 5 << 40, 5 << 40}, // S3's own limit, for who has the memory
	} {
		sizes := newPartSizes(test.memory)
		var total int64
		for n := 1; n <= maxParts; n++ {
			target, least := sizes.of(n, test.size)
			if least > target || least*chunkSize < 5<<20 || int64(target)*chunkSize > test.memory/3 {
				t.Fatalf("memory %d, part %d: from %d to %d chunks", test.memory, n, least, target)
			}
			if n > 1 {
				if before, _ := sizes.of(n-1, test.size); target < before {
					t.Fatalf("memory %d, part %d: %d chunks are less than the %d before", test.memory, n, target, before)
				}
			}
			total += int64(target) * chunkSize
		}
		if total < test.want || sizes.largest > total {
			t.Errorf("memory %d: %d bytes in all parts, and %d promised; want %d", test.memory, total, sizes.largest, test.want)
		}
		if first, _ := sizes.of(1, -1); first*chunkSize != 8<<20 {
			t.Errorf("memory %d: the first part has %d chunks", test.memory, first)
		}
	}
}
