package profiles

import (
	"slices"

	"github.com/goccy/go-yaml/ast"
)

// A Role says which files are what to a step that reads state: which hold accounts, which hold keys.
type Role struct {
	Name string
	Path []string // as Step.Path
}

// In returns the globs of a role of the step, nil if it has none.
func (s Step) In(role string) []string {
	for _, r := range s.Files {
		if r.Name == role {
			return r.Path
		}
	}
	return nil
}

// roles are what files can be to a collector that reads state, in the order of the documentation.
var roles = []struct {
	collector string
	names     []string
}{
	{Account, []string{"passwd", "shadow", "group", "sudoers", "keys", "histories"}},
	{Session, []string{"utmp", "wtmp", "btmp", "lastlog"}},
	{Tampering, []string{"syslog", "logs", "logrotate"}},
	{Schedule, []string{
		"crontab", "user-crontab", "anacrontab", "cron-script", "at-job", "unit", "user-unit", "generator", "boot-script", "login-script",
		"user-script", "motd", "udev", "pam", "pam-module", "autostart", "preload", "loader", "modules", "dbus", "package-hook", "logrotate", "sudo",
	}},
	{Container, []string{"docker", "docker-host", "runtime-spec", "storage"}},
}

func rolesOf(collector string) []string {
	for _, r := range roles {
		if r.collector == collector {
			return r.names
		}
	}
	return nil
}

// roles reads a mapping of roles to globs. Whether they are roles of the collector is for checkRoles to say.
func (d *decoder) roles(n ast.Node) []Role {
	m, ok := d.mapping(n, "files")
	if !ok {
		return nil
	}
	var out []Role
	for _, f := range m.fields {
		out = append(out, Role{Name: f.key, Path: d.globs(f.value, true)})
	}
	return out
}

// checkRoles refuses what the collector knows no use for.
func (d *decoder) checkRoles(s Step, f field) {
	m, ok := f.value.(ast.MapNode)
	if !ok {
		return
	}
	known := rolesOf(s.Collector)
	for it := m.MapRange(); it.Next(); {
		at := it.Key().GetToken()
		if !slices.Contains(known, at.Value) {
			d.fail(at, "collector "+s.Collector+" has "+list(known), "%q is no use that collector %s has for files", at.Value, s.Collector)
		}
	}
}

// addRoles puts the values of the variables into the globs of each role. A role that nothing is left of is left out.
func (b *planner) addRoles(s Step) {
	var planned []Role
	for _, r := range s.Files {
		if globs := b.expandGlobs(r.Path); len(globs) > 0 {
			planned = append(planned, Role{r.Name, globs})
		}
	}
	s.Files, s.Exclude = planned, b.expandGlobs(s.Exclude)
	b.plan.Steps = append(b.plan.Steps, s)
}

func (s Step) allGlobs() []string {
	globs := slices.Clone(s.Path)
	for _, r := range s.Files {
		globs = append(globs, r.Path...)
	}
	return globs
}
