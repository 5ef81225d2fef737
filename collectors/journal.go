package collectors

import (
	"fmt"
	"time"

	"bellwether/profiles"
)

// newJournal reads the systemd journal as text, one event a line, through journalctl, which knows every version of the journal's
// format. The times are UTC and carry year, microseconds and zone.
func newJournal(env *Env, step profiles.Step) Collector {
	step.Argv = []string{"journalctl", "--no-pager", "--quiet", "--all", "--utc", "--output=short-iso-precise"}
	if step.NewerThan > 0 {
		from := env.Now().Add(-step.NewerThan).UTC().Format(time.DateTime)
		step.Argv = append(step.Argv, fmt.Sprintf("--since=%s UTC", from))
	}
	return newCommand(env, step)
}
