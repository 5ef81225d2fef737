package collectors

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSpecAndStorage(t *testing.T) {
	spec := specConf("/run/containerd/io.containerd.runtime.v2.task/k8s.io/abc/config.json", []byte(`{"process":{"args":["/x","-y"]},
		"annotations":{"io.kubernetes.cri.image-name":"img:1","io.kubernetes.cri.container-name":"web","io.kubernetes.cri.sandbox-name":"p","io.kubernetes.cri.sandbox-namespace":"ns"}}`))
	want := []containerConf{{ID: "abc", Image: "img:1", Name: "web", Pod: "ns/p", Command: []string{"/x", "-y"}, File: "/run/containerd/io.containerd.runtime.v2.task/k8s.io/abc/config.json"}}
	if diff := cmp.Diff(want, spec); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := specConf("/v/overlay-containers/abc/userdata/config.json", []byte(`{}`)); got[0].ID != "abc" {
		t.Errorf("the id below userdata is %q", got[0].ID)
	}
	storage := storageConf("/c.json", []byte(`[{"id":"a","names":["x"],"image":"sha","metadata":"{\"image-name\":\"docker.io/x\",\"name\":\"pod-x\"}"},{"id":"b","image":"sha2"}]`))
	if len(storage) != 2 || storage[0].Image != "docker.io/x" || storage[0].Name != "pod-x" || storage[1].Image != "sha2" {
		t.Errorf("storage: %+v", storage)
	}
}

func FuzzContainerConf(f *testing.F) {
	f.Add([]byte(`{"ID":"a","Name":"/b","State":{"Running":true},"Args":["x"]}`))
	f.Add([]byte(`[{"id":"a","names":["x"],"metadata":"{}"}]`))
	f.Add([]byte(`{"annotations":{"io.kubernetes.cri.image-name":"x"},"process":{"args":null}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for role, read := range confFormats {
			for _, c := range read("/a/b/userdata/config.json", b) {
				if again := (containerConf{}).join(c).named(c.ID); again.Image != c.Image || again.Name != c.Name || len(again.Binds) != len(c.Binds) {
					t.Errorf("%s: joined with nothing %+v becomes %+v", role, c, again)
				}
			}
		}
	})
}
