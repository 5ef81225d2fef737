package collectors

import (
	"fmt"
	"time"

	"bellwether/profiles"
)

// bytesPerEvent is more than a line of the journal has in the mean.
const bytesPerEvent = 400

// newJournal reads the systemd journal as text, one event a line, through journalctl, which knows every version of the journal's
// format. The times are UTC and carry year, microseconds and zone.
func newJournal(env *Env, step profiles.Step) Collector {
	step.Argv = []string{"journalctl", "--no-pager", "--quiet", "--all", "--utc", "--output=short-iso-precise"}
	// The output is cut at its end, and the end is the newest: so the newest lines alone are asked for, as many as will fit.
	step.Argv = append(step.Argv, fmt.Sprintf("--lines=%d", orDefault(step.MaxOutput, defaultMaxOutput)/bytesPerEvent))
	if step.NewerThan > 0 {
		from := env.Now().Add(-step.NewerThan).UTC().Format(time.DateTime)
		step.Argv = append(step.Argv, fmt.Sprintf("--since=%s UTC", from))
	}
	return newCommand(env, step)
}
