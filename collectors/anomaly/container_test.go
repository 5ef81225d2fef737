package anomaly

import (
	"testing"

	"bellwether/collectors/procfs"
)

func TestContainers(t *testing.T) {
	got := Containers([]procfs.Container{
		{ID: "0123456789abcdef", Runtime: "docker", AllCaps: true, Binds: []procfs.Bind{
			{From: "/", To: "/host"}, {From: "/var/run/docker.sock", To: "/docker.sock", Writable: true}, {From: "/srv/data", To: "/data", Writable: true},
			{From: "/var/lib/docker/volumes/x/_data", To: "/v"},
		}},
		{ID: "short", Runtime: "podman"},
	})
	var ids []string
	for _, f := range got {
		ids = append(ids, f.ID+" "+f.Evidence["path"])
	}
	want := []string{"container-privileged ", "container-host-mount /", "container-host-mount /var/run/docker.sock"}
	if len(ids) != len(want) {
		t.Fatalf("got %q, want %q", ids, want)
	}
	for i := range want {
		if ids[i] != want[i] || got[i].Row != 0 {
			t.Errorf("got %q in row %d, want %q", ids[i], got[i].Row, want[i])
		}
	}
}
