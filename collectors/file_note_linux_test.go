package collectors_test

import (
	"testing"

	"bellwether/collectors/collectorstest"
	"bellwether/profiles"
)

// The user data that cloud-init keeps on the disk is said to hold secrets, as that of the metadata service is.
func TestUserDataOnDiskIsMarked(t *testing.T) {
	loaded, err := profiles.Load([]string{"linux-cloud"})
	must(t, err)
	plan, err := profiles.NewPlan(loaded, profiles.Host{OS: "linux"}, profiles.Options{})
	must(t, err)
	root := collectorstest.Root(t, map[string]string{
		"var/lib/cloud/instances/i-1/user-data.txt": "#cloud-config\n", "var/lib/cloud/instances/i-1/sem/config_x": "x",
	})
	var steps []profiles.Step
	for _, s := range plan.Steps {
		if s.Collector == profiles.File {
			steps = append(steps, s)
		}
	}
	sink := collect(t, root, steps...)
	if k := sink.Item(t, "/var/lib/cloud/instances/i-1/user-data.txt"); string(k.Content) != "#cloud-config\n" || k.Reason != "the owner's own: it can hold secrets" {
		t.Errorf("user data: %q, %q", k.Content, k.Reason)
	}
	if k := sink.Item(t, "/var/lib/cloud/instances/i-1/sem/config_x"); string(k.Content) != "x" || k.Reason != "" {
		t.Errorf("the rest: %q, %q", k.Content, k.Reason)
	}
}
