package host

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	starvedEvery = 2 * time.Second
	// starvedAfter is how many looks in a row must show a starved run.
	starvedAfter = 4
	// starvedRatio is how much longer a starved run waits for a processor than it has one.
	starvedRatio = 8
)

// niceSteps are the priorities that a starved run is given, one after the other. Beside one process of priority 0 they give it 1/30 and 1/16 of a
// processor, where nice 19 gives 1/70: enough to end before the deadline, and nothing that a server would notice.
var niceSteps = []int{15, 12}

// avoidStarving watches how long this process waits for a processor, and raises its priority a step when it hardly gets one: a miner that takes
// all processors must not keep the evidence from being collected. It returns when the context ends.
func avoidStarving(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(starvedEvery)
	defer tick.Stop()
	var before schedTimes
	for steps, looks := niceSteps, 0; len(steps) > 0; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := readSchedTimes("/proc/self/task")
		if !now.since(before).starved() {
			looks = 0
		} else if looks++; looks >= starvedAfter {
			err := setNice(steps[0])
			log.Warn("other processes leave this run no processor: priority raised", "nice", steps[0], "error", err)
			steps, looks = steps[1:], 0
		}
		before = now
	}
}

// schedTimes are how long the threads of a process ran, and how long they could have run and waited for a processor.
type schedTimes struct{ ran, waited time.Duration }

func (t schedTimes) since(before schedTimes) schedTimes {
	return schedTimes{t.ran - before.ran, t.waited - before.waited}
}

// starved reports whether a run that wants to work hardly does.
func (t schedTimes) starved() bool {
	return t.waited > starvedEvery/2 && t.waited > starvedRatio*t.ran
}

// readSchedTimes adds up the threads below a directory like /proc/self/task. Where the kernel doesn't count, nobody is starved.
func readSchedTimes(tasks string) (sum schedTimes) {
	files, _ := filepath.Glob(filepath.Join(tasks, "*", "schedstat")) // the pattern is well-formed
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // the thread has ended
		}
		t := parseSchedstat(string(b))
		sum.ran += t.ran
		sum.waited += t.waited
	}
	return sum
}

// parseSchedstat reads /proc/PID/schedstat: nanoseconds on a processor, nanoseconds waiting for one, number of turns.
func parseSchedstat(text string) schedTimes {
	f := strings.Fields(text)
	if len(f) != 3 {
		return schedTimes{}
	}
	ran, err1 := strconv.ParseInt(f[0], 10, 64)
	waited, err2 := strconv.ParseInt(f[1], 10, 64)
	if err1 != nil || err2 != nil {
		return schedTimes{}
	}
	return schedTimes{time.Duration(ran), time.Duration(waited)}
}

// setNice sets the priority of every thread of this process.
func setNice(nice int) error {
	return eachThread(func(tid int) error {
		if err := unix.Setpriority(unix.PRIO_PROCESS, tid, nice); err != nil {
			return fmt.Errorf("setting nice %d: %w", nice, err)
		}
		return nil
	})
}
