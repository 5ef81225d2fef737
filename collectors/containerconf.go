package collectors

import (
	"encoding/json"
	"path"
	"strings"
)

// A containerConf is what a runtime has written down of a container. What it does not say is empty.
type containerConf struct {
	ID         string
	Runtime    string
	Name       string
	Image      string
	Created    string
	Command    []string
	Pod        string // namespace/name in Kubernetes
	Privileged bool
	Network    string
	Binds      []string
	Running    *bool
	File       string
}

// confFormats are the readers of what runtimes write, by the role of the file.
var confFormats = map[string]func(file string, b []byte) []containerConf{
	"docker":       dockerConf,
	"docker-host":  dockerHostConf,
	"runtime-spec": specConf,
	"storage":      storageConf,
}

// dockerConf reads config.v2.json of the docker daemon.
func dockerConf(file string, b []byte) []containerConf {
	var c struct {
		ID      string
		Name    string
		Created string
		Path    string
		Args    []string
		Config  struct{ Image string }
		State   struct{ Running bool }
	}
	if json.Unmarshal(b, &c) != nil || c.ID == "" {
		return nil
	}
	return []containerConf{{
		ID: c.ID, Runtime: "docker", Name: strings.TrimPrefix(c.Name, "/"), Image: c.Config.Image, Created: c.Created,
		Command: append([]string{c.Path}, c.Args...), Running: &c.State.Running, File: file,
	}}
}

// dockerHostConf reads hostconfig.json, which stands in a folder that is called after the container.
func dockerHostConf(file string, b []byte) []containerConf {
	var c struct {
		Binds       []string
		NetworkMode string
		Privileged  bool
	}
	if json.Unmarshal(b, &c) != nil {
		return nil
	}
	return []containerConf{{
		ID: path.Base(path.Dir(file)), Runtime: "docker", Binds: c.Binds, Network: c.NetworkMode, Privileged: c.Privileged, File: file,
	}}
}

// specConf reads config.json of the runtime specification (OCI), as containerd, podman and cri-o hand it to runc. It stands in a folder that is
// called after the container, or below one in userdata.
func specConf(file string, b []byte) []containerConf {
	var c struct {
		Process     struct{ Args []string }
		Annotations map[string]string
	}
	if json.Unmarshal(b, &c) != nil {
		return nil
	}
	dir := path.Dir(file)
	if path.Base(dir) == "userdata" {
		dir = path.Dir(dir)
	}
	conf := containerConf{ID: path.Base(dir), Command: c.Process.Args, File: file}
	first := func(keys ...string) string {
		for _, k := range keys {
			if v := c.Annotations[k]; v != "" {
				return v
			}
		}
		return ""
	}
	conf.Image = first("io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName", "io.kubernetes.cri-o.Image", "org.opencontainers.image.ref.name")
	conf.Name = first("io.kubernetes.cri.container-name", "io.kubernetes.container.name", "io.kubernetes.cri-o.Name", "io.podman.annotations.container.name")
	if pod := first("io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name"); pod != "" {
		conf.Pod = first("io.kubernetes.cri.sandbox-namespace", "io.kubernetes.pod.namespace") + "/" + pod
	}
	conf.Created = first("io.kubernetes.cri-o.Created", "org.opencontainers.image.created")
	return []containerConf{conf}
}

// storageConf reads containers.json of containers/storage, which podman and cri-o share.
func storageConf(file string, b []byte) []containerConf {
	var cs []struct {
		ID       string
		Names    []string
		Image    string
		Metadata string
		Created  string
	}
	if json.Unmarshal(b, &cs) != nil {
		return nil
	}
	out := make([]containerConf, 0, len(cs))
	for _, c := range cs {
		var meta struct {
			Image string `json:"image-name"`
			Name  string `json:"name"`
		}
		_ = json.Unmarshal([]byte(c.Metadata), &meta) // what is no metadata says nothing
		conf := containerConf{ID: c.ID, Image: meta.Image, Name: meta.Name, Created: c.Created, File: file}
		if conf.Image == "" {
			conf.Image = c.Image
		}
		if conf.Name == "" && len(c.Names) > 0 {
			conf.Name = c.Names[0]
		}
		out = append(out, conf)
	}
	return out
}

// join adds what another file says of the same container.
func (c containerConf) join(o containerConf) containerConf {
	set := func(to *string, from string) {
		if *to == "" {
			*to = from
		}
	}
	set(&c.Runtime, o.Runtime)
	set(&c.Name, o.Name)
	set(&c.Image, o.Image)
	set(&c.Created, o.Created)
	set(&c.Pod, o.Pod)
	set(&c.Network, o.Network)
	if len(c.Command) == 0 {
		c.Command = o.Command
	}
	c.Binds = append(c.Binds, o.Binds...)
	c.Privileged = c.Privileged || o.Privileged
	if c.Running == nil {
		c.Running = o.Running
	}
	if o.File != "" && c.File != o.File {
		c.File = strings.TrimPrefix(c.File+" "+o.File, " ")
	}
	return c
}
