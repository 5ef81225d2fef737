package profiles

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRolesOfAPlan(t *testing.T) {
	step := Step{Name: "s", Collector: Schedule, NewerThan: 14 * 24 * time.Hour, Files: []Role{
		{"crontab", []string{"/etc/crontab"}}, {"user-script", []string{"%user_home%/.profile"}}, {"motd", []string{"%programdata%/x"}},
	}}
	p := &Profile{Name: "p", Steps: []Step{step}}
	host := Host{OS: "linux", Users: []User{{"root", "/root"}, {"daemon", "/"}, {"a", "/home/[a]"}}}
	plan, err := NewPlan([]*Profile{p}, host, Options{Since: 30 * 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	got := plan.Steps[0]
	want := []Role{{"crontab", []string{"/etc/crontab"}}, {"user-script", []string{"/root/.profile", `/home/\[a\]/.profile`}}}
	if diff := cmp.Diff(want, got.Files); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.NewerThan != 30*24*time.Hour {
		t.Errorf("a window of %v, want that of --since", got.NewerThan)
	}
	if got.In("crontab") == nil || got.In("motd") != nil {
		t.Errorf("roles: %v, %v", got.In("crontab"), got.In("motd"))
	}
}
