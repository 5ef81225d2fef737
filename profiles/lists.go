package profiles

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/goccy/go-yaml/ast"
)

// walkNames are the files that every walk writes, so that no list may have their names.
var walkNames = []string{
	"bodyfile", "executables", "recent", "suid", "capabilities", "immutable", "ownerless", "world-writable", "hidden-directories", "odd-names", "elf-odd",
	"pipes", "device-files", "package-differs", "not-walked", "volumes",
}

// lists reads the lists that a walk writes by names.
func (d *decoder) lists(n ast.Node) []List {
	const hint = "write lists: [{name: histories, glob: ['.*history']}]"
	nodes, ok := d.sequence(n, "lists", hint)
	if ok && len(nodes) == 0 {
		d.fail(n.GetToken(), hint, "lists is empty")
	}
	var out []List
	for _, node := range nodes {
		m, ok := d.mapping(node, "a list")
		if !ok {
			continue
		}
		l := d.list(m)
		if slices.ContainsFunc(out, func(o List) bool { return o.Name == l.Name }) || slices.Contains(walkNames, l.Name) {
			d.fail(m.at, "", "there is a list %q already", l.Name)
		}
		out = append(out, l)
	}
	return out
}

func (d *decoder) list(m mapping) (l List) {
	for _, f := range m.fields {
		switch f.key {
		case "name":
			l.Name = d.name(f.value)
		case "glob":
			l.Glob = d.globs(f.value, false)
		case "newer_than":
			l.NewerThan = d.age(f.value)
		default:
			d.fail(f.at, "a list has name, glob and newer_than", "unknown key %q", f.key)
		}
	}
	d.require(m, "name", "the list")
	d.require(m, "glob", "the list")
	return l
}

func (d *decoder) count(n ast.Node) int64 {
	return quantity(d, n, "1000, 2000000 …", func(s string) (int64, error) {
		v, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%q is no number: write 1000, 2000000 …", s)
		}
		return v, nil
	})
}
