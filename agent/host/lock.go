package host

import (
	"errors"
	"fmt"
)

// A Busy says that another run holds the host. It is an error of [LockRun].
type Busy struct {
	PID  int    // 0 where the system doesn't tell
	Says string // what the run says of itself; empty where it doesn't answer
}

func (b *Busy) Error() string {
	text := "another run is under way on this host"
	if b.PID > 0 {
		text += fmt.Sprintf(": pid %d", b.PID)
	}
	if b.Says != "" {
		text += ", " + b.Says
	}
	return text
}

// ErrSquatted is returned by [LockRun] if the lock is held by somebody who has no business with it.
var ErrSquatted = errors.New("the lock for one run at a time is held by an account that is neither root nor ours")

// LockRun makes this the only run on the host until unlock is called or the process ends, however it ends. says is what a second run is
// told of this one. The error is a [*Busy] if there is another run, [ErrSquatted] if another account pretends to be one: then nothing is
// locked, and the caller may go on.
func LockRun(says string) (unlock func(), err error) { return lock("bellwether-collect", says) }
