package profiles

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// A decoder turns the nodes of one document into a profile. It goes on after an error, so that one look at a document
// finds all that is wrong with it; what it returns after one is not to be used.
type decoder struct {
	src  *source
	errs Errors
}

func (d *decoder) fail(tk *token.Token, hint, format string, args ...any) {
	d.errs = append(d.errs, d.src.errorAt(tk, hint, format, args...))
}

// A part of a document is a step of its own or, where step is nil, the name of a profile that stands there.
type part struct {
	step    *Step
	include string
	useCase []string // of the include: only the steps that answer one of these; nil means all
	at      *token.Token
}

// document reads the mapping that a profile is.
func (d *decoder) document(body ast.Node) (Profile, []part) {
	p := Profile{Defaults: Defaults{Timeout: defaultTimeout, MaxOutput: defaultMaxOutput}}
	m, ok := d.mapping(body, "a profile")
	if !ok || !d.schema(m) {
		return p, nil
	}
	var parts []part
	known := []string{"schema", "name", "description", "defaults", "steps"}
	for _, f := range m.fields {
		switch f.key {
		case "schema":
			p.Schema = 1
		case "name":
			p.Name = d.name(f.value)
		case "description":
			p.Description = d.text(f.value)
		case "defaults":
			d.defaults(f.value, &p.Defaults)
		case "steps":
			parts = d.steps(f.value)
		default:
			d.fail(f.at, "the keys of a profile are "+list(known), "unknown key %q", f.key)
		}
	}
	for _, k := range []string{"name", "steps"} {
		d.require(m, k, "the profile")
	}
	for i := range parts {
		if s := parts[i].step; s != nil {
			finish(s, p.Name, p.Defaults)
		}
	}
	return p, parts
}

// finish gives a step what it has from its document.
func finish(s *Step, profile string, defaults Defaults) {
	s.Profile = profile
	if s.Collector != Command && s.Collector != Journal {
		return
	}
	if s.Timeout == 0 {
		s.Timeout = defaults.Timeout
	}
	if s.MaxOutput == 0 {
		s.MaxOutput = defaults.MaxOutput
	}
}

// schema reports whether the rest of the document can be understood: a later schema may have other keys.
func (d *decoder) schema(m mapping) bool {
	f, ok := m.field("schema")
	if !ok {
		d.fail(m.at, "begin it with schema: 1", "the profile has no schema")
		return false
	}
	if n, ok := f.value.(*ast.IntegerNode); ok && n.GetToken().Value == "1" {
		return true
	}
	d.fail(f.value.GetToken(), "write schema: 1; a newer bellwether may know others", "schema %s is not known", d.shown(f.value))
	return false
}

func (d *decoder) defaults(n ast.Node, to *Defaults) {
	m, ok := d.mapping(n, "defaults")
	if !ok {
		return
	}
	for _, f := range m.fields {
		switch f.key {
		case "timeout":
			to.Timeout = d.age(f.value)
		case "max_output":
			to.MaxOutput = d.size(f.value)
		default:
			d.fail(f.at, "defaults are timeout and max_output", "unknown key %q", f.key)
		}
	}
}

func (d *decoder) steps(n ast.Node) []part {
	nodes, ok := d.sequence(n, "steps", "")
	if !ok {
		return nil
	}
	if len(nodes) == 0 {
		d.fail(n.GetToken(), "", "the profile has no steps")
	}
	var parts []part
	for _, node := range nodes {
		m, ok := d.mapping(node, "a step")
		if !ok {
			continue
		}
		if f, ok := m.field("include"); ok {
			parts = append(parts, d.include(m, f))
			continue
		}
		at := m.at
		if f, ok := m.field("name"); ok {
			at = f.value.GetToken()
		}
		s := d.step(m)
		parts = append(parts, part{step: &s, at: at})
	}
	return parts
}

func (d *decoder) include(m mapping, f field) part {
	p := part{include: d.text(f.value), at: f.value.GetToken()}
	for _, other := range m.fields {
		switch other.key {
		case "include":
		case "use_case":
			p.useCase = d.useCases(other.value)
		default:
			d.fail(other.at, "write it as a step of its own", "unknown key %q: include stands alone, or with use_case", other.key)
		}
	}
	return p
}

func (d *decoder) step(m mapping) Step {
	var s Step
	for _, f := range m.fields {
		k, ok := lookupKey(f.key)
		if !ok {
			d.fail(f.at, "the keys of a step are "+list(keyNames("")), "unknown key %q", f.key)
			continue
		}
		k.read(d, &s, f.value)
	}
	d.require(m, "name", "the step")
	if d.require(m, "collector", "the step") && s.Collector != "" {
		d.checkStep(m, s)
	}
	return s
}

// checkStep looks at what the keys of a step say together.
func (d *decoder) checkStep(m mapping, s Step) {
	for _, f := range m.fields {
		if k, ok := lookupKey(f.key); ok && !k.belongsTo(s.Collector) {
			d.fail(f.at, fmt.Sprintf("collector %s has %s", s.Collector, list(keyNames(s.Collector))),
				"%s does not belong to collector %s but to %s", f.key, s.Collector, list(k.in))
		}
	}
	switch s.Collector {
	case Command:
		d.require(m, "area", "the step")
		_, argv := m.field("argv")
		shell, isShell := m.field("shell")
		if argv && isShell {
			d.fail(shell.at, "keep argv where no pipe or wildcard is needed", "a step has argv or shell, not both")
		}
		if !argv && !isShell {
			d.fail(m.at, "write argv: [ps, -ef]", "the step has neither argv nor shell")
		}
	case Account, Session, Tampering, Schedule, Container:
		d.require(m, "files", "the step")
		if f, ok := m.field("files"); ok {
			d.checkRoles(s, f)
		}
	case Stat:
		d.require(m, "path", "the step")
	case Volumes:
		d.require(m, "names", "the step")
	case Vendor:
		d.require(m, "products", "the step")
	case File:
		d.require(m, "path", "the step")
		if f, ok := m.field("min_file_size"); ok && s.MaxFileSize > 0 && s.MinFileSize > s.MaxFileSize {
			d.fail(f.at, "", "min_file_size is larger than max_file_size: no file fits")
		}
	}
}

func (d *decoder) require(m mapping, name, what string) bool {
	_, ok := m.field(name)
	if !ok {
		d.fail(m.at, "", "%s has no %s", what, name)
	}
	return ok
}

// keyNames returns the keys that a collector knows; without a collector, all of them.
func keyNames(collector string) []string {
	var names []string
	for _, k := range stepKeys {
		if collector == "" || k.belongsTo(collector) {
			names = append(names, k.name)
		}
	}
	return names
}

// A mapping is a YAML mapping whose keys are words, each of which stands there once and has a value.
type mapping struct {
	fields []field
	at     *token.Token // its first key
}

type field struct {
	key   string
	at    *token.Token
	value ast.Node
}

func (m mapping) field(key string) (field, bool) {
	for _, f := range m.fields {
		if f.key == key {
			return f, true
		}
	}
	return field{}, false
}

func (d *decoder) mapping(n ast.Node, what string) (mapping, bool) {
	m, ok := n.(ast.MapNode)
	if !ok {
		d.fail(n.GetToken(), "", "%s is a mapping of keys to values, not %s", what, kindOf(n))
		return mapping{}, false
	}
	out := mapping{at: n.GetToken()}
	first := map[string]int{}
	for it := m.MapRange(); it.Next(); {
		at := it.Key().GetToken()
		if len(first) == 0 {
			out.at = at
		}
		name := at.Value
		if line, again := first[name]; again {
			d.fail(at, "", "key %q stands here twice: also in line %d", name, line)
			continue
		}
		first[name] = at.Position.Line
		value := it.Value()
		if value == nil {
			value = ast.Null(at)
		}
		if value.Type() == ast.NullType {
			d.fail(at, "", "%s has no value", name)
		}
		out.fields = append(out.fields, field{name, at, value})
	}
	return out, true
}

func (d *decoder) sequence(n ast.Node, what, hint string) ([]ast.Node, bool) {
	switch n := n.(type) {
	case *ast.SequenceNode:
		return n.Values, true
	case *ast.NullNode:
		return nil, false // said by mapping
	}
	d.fail(n.GetToken(), hint, "%s is a list, not %s", what, kindOf(n))
	return nil, false
}
