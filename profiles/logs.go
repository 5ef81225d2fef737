package profiles

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// A LogConfig says where the configuration of a program is that logs, or that moves logs.
type LogConfig struct {
	Program string   // one of LogPrograms
	Path    []string // as Step.Path
}

// LogPrograms returns the programs whose configuration a volumes step can name: those that collectors/logconf reads.
func LogPrograms() []string { return slices.Clone(logPrograms) }

var logPrograms = []string{
	"apache", "auditd", "azure-monitor-agent", "cloudwatch-agent", "docker", "filebeat", "fluent-bit", "fluentd", "haproxy", "journald", "log4j", "logback",
	"logrotate", "mongodb", "mysql", "nginx", "postgresql", "redis", "rsyslog", "splunk", "syslog-ng", "tomcat",
}

// A Product is a program of a vendor that watches, protects, logs or backs up a host: how to tell that it is there, and where its logs are.
type Product struct {
	Name    string
	Kind    string   // one of productKinds
	Process []string // the names of its executables, without folders
	Unit    []string // the names of its systemd units
	Path    []string // what proves that it is installed, as Step.Path
	Logs    []string // what to copy, as Step.Path
}

var productKinds = []string{"edr", "antivirus", "compliance", "log", "backup", "monitoring", "management"}

// CopiesFiles reports whether a collector's items are copies of files.
func CopiesFiles(collector string) bool { return slices.Contains(copiesFiles, collector) }

var copiesFiles = []string{File, Volumes, Vendor}

// logConfigs reads a mapping of programs to globs.
func (d *decoder) logConfigs(n ast.Node) []LogConfig {
	m, ok := d.mapping(n, "config")
	if !ok {
		return nil
	}
	var out []LogConfig
	for _, f := range m.fields {
		if !slices.Contains(logPrograms, f.key) {
			d.fail(f.at, "known are "+list(logPrograms), "unknown program %q in config", f.key)
			continue
		}
		out = append(out, LogConfig{f.key, d.globsOf(f.value, f.key, true)})
	}
	return out
}

// products reads a list of mappings.
func (d *decoder) products(n ast.Node) []Product {
	nodes, ok := d.sequence(n, "products", "write products: [{product: ClamAV, kind: antivirus, process: [clamd]}]")
	if ok && len(nodes) == 0 {
		d.fail(n.GetToken(), "", "products is empty")
	}
	var out []Product
	names := map[string]bool{}
	for _, node := range nodes {
		m, ok := d.mapping(node, "a product")
		if !ok {
			continue
		}
		p := d.product(m)
		if names[p.Name] && p.Name != "" {
			d.fail(m.at, "", "product %q stands here twice", p.Name)
		}
		names[p.Name] = true
		out = append(out, p)
	}
	return out
}

func (d *decoder) product(m mapping) Product {
	var p Product
	for _, f := range m.fields {
		switch f.key {
		case "product":
			p.Name = d.text(f.value)
		case "kind":
			p.Kind = d.oneOf(f.value, "kind", productKinds)
		case "process":
			p.Process = d.fileNames(f.value, f.key)
		case "unit":
			p.Unit = d.fileNames(f.value, f.key)
		case "path":
			p.Path = d.globsOf(f.value, f.key, true)
		case "logs":
			p.Logs = d.globsOf(f.value, f.key, true)
		default:
			d.fail(f.at, "the keys of a product are product, kind, process, unit, path, logs", "unknown key %q", f.key)
		}
	}
	d.require(m, "product", "the product")
	d.require(m, "kind", "the product")
	if _, logs := m.field("logs"); !logs && len(p.Process)+len(p.Unit)+len(p.Path) == 0 {
		d.fail(m.at, "give its process, unit, path or logs", "nothing says how to tell that the product is there")
	}
	return p
}

// fileNames reads a list of names without folders.
func (d *decoder) fileNames(n ast.Node, what string) []string {
	var out []string
	d.texts(n, what, fmt.Sprintf("write %s: [clamd]", what), func(n ast.Node, s string) {
		if s == "" || strings.ContainsAny(s, `/\`) {
			d.fail(n.GetToken(), "write the name alone", "%q in %s is no name of a file", s, what)
		}
		out = append(out, s)
	})
	return out
}

// addLogs puts the values of the variables into all globs of a volumes or vendor step.
func (b *planner) addLogs(s Step) {
	s.Path, s.Exclude = b.expandGlobs(s.Path), b.expandGlobs(s.Exclude)
	configs := make([]LogConfig, 0, len(s.Config))
	for _, c := range s.Config {
		configs = append(configs, LogConfig{c.Program, b.expandGlobs(c.Path)})
	}
	products := make([]Product, 0, len(s.Products))
	for _, p := range s.Products {
		p.Path, p.Logs = b.expandGlobs(p.Path), b.expandGlobs(p.Logs)
		products = append(products, p)
	}
	s.Config, s.Products = configs, products
	b.plan.Steps = append(b.plan.Steps, s)
}

// logGlobs are the globs of a step beside path.
func (s Step) logGlobs() []string {
	var globs []string
	for _, c := range s.Config {
		globs = append(globs, c.Path...)
	}
	for _, p := range s.Products {
		globs = append(append(globs, p.Path...), p.Logs...)
	}
	return globs
}
