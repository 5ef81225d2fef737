package profiles

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// scalar returns the text of a single value, and whether it is one.
func (d *decoder) scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return d.withoutNUL(n.Value, n.GetToken())
	case *ast.LiteralNode:
		return d.withoutNUL(n.Value.Value, n.GetToken())
	case *ast.IntegerNode, *ast.FloatNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func (d *decoder) withoutNUL(s string, at *token.Token) (string, bool) {
	if strings.ContainsRune(s, 0) {
		d.fail(at, "", "a text with a NUL byte in it")
		return "", true
	}
	return s, true
}

// text reads what has to be a text. A number, true or null has to be quoted to be one.
func (d *decoder) text(n ast.Node) string {
	switch n.(type) {
	case *ast.NullNode:
		return "" // said by mapping
	case *ast.StringNode, *ast.LiteralNode:
		before := len(d.errs)
		s, _ := d.scalar(n)
		if s == "" && len(d.errs) == before {
			d.fail(n.GetToken(), "", "an empty text")
		}
		return s
	}
	d.fail(n.GetToken(), "put a text into quotes where YAML would take it for something else", "a text is wanted here, not %s", kindOf(n))
	return ""
}

func (d *decoder) shown(n ast.Node) string {
	if s, ok := d.scalar(n); ok {
		return strconv.Quote(s)
	}
	return kindOf(n)
}

func kindOf(n ast.Node) string {
	switch n.(type) {
	case nil, *ast.NullNode:
		return "nothing"
	case *ast.BoolNode:
		return "true or false"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	}
	return "a text"
}

var nameForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func (d *decoder) name(n ast.Node) string {
	s := d.text(n)
	if s != "" && (!nameForm.MatchString(s) || len(s) > 64) {
		d.fail(n.GetToken(), "lower-case letters, digits and single dashes, 64 at most: ssh-keys", "%q is no name", s)
	}
	return s
}

// oneOf returns "" for what is not among the words.
func (d *decoder) oneOf(n ast.Node, what string, words []string) string {
	s := d.text(n)
	if s != "" && !slices.Contains(words, s) {
		d.fail(n.GetToken(), "known are "+list(words), "unknown %s %q", what, s)
		return ""
	}
	return s
}

func (d *decoder) age(n ast.Node) time.Duration {
	return quantity(d, n, "60s, 15m or 14d", ParseAge)
}

func (d *decoder) size(n ast.Node) int64 {
	return quantity(d, n, "64MiB, 2GB or a number of bytes", ParseSize)
}

func (d *decoder) depth(n ast.Node) int {
	return quantity(d, n, "1, 2, 3 …", parseDepth)
}

func quantity[T int | int64 | time.Duration](d *decoder, n ast.Node, hint string, parse func(string) (T, error)) T {
	s, ok := d.scalar(n)
	if !ok {
		if n.Type() != ast.NullType {
			d.fail(n.GetToken(), "write "+hint, "a quantity is wanted here, not %s", kindOf(n))
		}
		return 0
	}
	v, err := parse(s)
	if err != nil {
		d.fail(n.GetToken(), "", "%v", err)
	} else if v <= 0 { // 0 would mean no limit, and so the opposite of what it seems to say
		d.fail(n.GetToken(), "write "+hint, "%q: it has to be more than nothing", s)
	}
	return v
}

func parseDepth(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, fmt.Errorf("%q is no number of folders: write 1, 2, 3 …", s)
	}
	return n, nil
}

func (d *decoder) boolean(n ast.Node) bool {
	b, ok := n.(*ast.BoolNode)
	if !ok {
		if n.Type() != ast.NullType {
			d.fail(n.GetToken(), "", "true or false is wanted here, not %s", kindOf(n))
		}
		return false
	}
	return b.Value
}

// texts reads a list of texts. Numbers count as they are written, for `argv: [top, -n, 1]`.
func (d *decoder) texts(n ast.Node, what, hint string, one func(n ast.Node, s string)) {
	nodes, ok := d.sequence(n, what, hint)
	if ok && len(nodes) == 0 {
		d.fail(n.GetToken(), hint, "%s is empty", what)
	}
	for _, node := range nodes {
		s, ok := d.scalar(node)
		if !ok {
			d.fail(node.GetToken(), "put a text into quotes where YAML would take it for something else",
				"a text is wanted in %s, not %s", what, kindOf(node))
			continue
		}
		one(node, s)
	}
}

func (d *decoder) useCases(n ast.Node) []string {
	var out []string
	d.texts(n, "use_case", "write use_case: [persistence]", func(n ast.Node, s string) {
		out = append(out, d.oneOf(n, "use_case", useCases))
	})
	return out
}

var techniqueForm = regexp.MustCompile(`^T[0-9]{4}(\.[0-9]{3})?$`)

func (d *decoder) techniques(n ast.Node) []string {
	var out []string
	d.texts(n, "attack", "write attack: [T1053.003]", func(n ast.Node, s string) {
		if !techniqueForm.MatchString(s) {
			d.fail(n.GetToken(), "write T1053, or T1053.003 for a sub-technique", "%q is no id of an ATT&CK technique", s)
		}
		out = append(out, s)
	})
	return out
}

func (d *decoder) systems(n ast.Node) []string {
	var out []string
	d.texts(n, "supported_os", "write supported_os: [linux]", func(n ast.Node, s string) {
		out = append(out, d.oneOf(n, "system", systems))
	})
	if slices.Contains(out, allSystems) {
		return nil
	}
	return out
}

func (d *decoder) argv(n ast.Node) []string {
	var out []string
	d.texts(n, "argv", "write argv: [ps, -ef]", func(n ast.Node, s string) {
		d.checkVariables(n, s)
		if len(out) == 0 {
			d.checkProgram(n, s)
		} else if names := variablesIn(s); len(names) > 0 && slices.Contains(shells, strings.ToLower(programName(out[0]))) {
			d.fail(n.GetToken(), "run the program itself", "%%%s%% in an argument of %s: data of the host never reaches an interpreter", names[0], out[0])
		}
		out = append(out, s)
	})
	return out
}

func (d *decoder) checkProgram(n ast.Node, s string) {
	switch slash := strings.ContainsAny(s, `/\`); {
	case s == "":
		d.fail(n.GetToken(), "", "the program has no name")
	case slices.ContainsFunc(variablesIn(s), func(name string) bool { v, _ := lookupVariable(name); return v.each }):
		d.fail(n.GetToken(), "", "the program can't depend on an account")
	case slash && !absolute(s):
		d.fail(n.GetToken(), "write the name alone, or the path from the root", "%q is a relative path", s)
	case !slash && strings.ContainsAny(s, " \t\n"):
		d.fail(n.GetToken(), "write argv: ["+strings.Join(strings.Fields(s), ", ")+"]", "%q holds more than the name of a program", s)
	}
}

func (d *decoder) shell(n ast.Node) string {
	s := strings.TrimRight(d.text(n), "\n")
	for _, name := range variablesIn(s) {
		if _, known := lookupVariable(name); known {
			d.fail(n.GetToken(), "use argv", "%%%s%% in shell: data of the host never reaches a shell", name)
		}
	}
	return s
}

func (d *decoder) checkVariables(n ast.Node, s string) {
	for _, name := range variablesIn(s) {
		if _, known := lookupVariable(name); !known {
			d.fail(n.GetToken(), "known are "+list(variableNames())+"; for a percent sign write %%", "unknown variable %%%s%%", name)
		}
	}
}

func (d *decoder) globs(n ast.Node, wholePath bool) []string {
	if wholePath {
		return d.globsOf(n, "path", true)
	}
	return d.globsOf(n, "exclude", false)
}

// globsOf reads the globs of the key what.
func (d *decoder) globsOf(n ast.Node, what string, wholePath bool) []string {
	var out []string
	d.texts(n, what, "write "+what+": [/var/log/**]", func(n ast.Node, s string) {
		d.checkVariables(n, s)
		d.checkGlob(n, s, wholePath)
		out = append(out, s)
	})
	return out
}

func (d *decoder) checkGlob(n ast.Node, s string, wholePath bool) {
	at := n.GetToken()
	switch {
	case s == "":
		d.fail(at, "", "an empty glob")
	case !doublestar.ValidatePattern(s):
		d.fail(at, `close each [ and {; before a character that stands for itself write \`, "%q is no valid glob", s)
	case windowsPath.MatchString(s):
		d.fail(at, "write C:/Windows, with slashes", "%#q has backslashes, which escape in a glob", s)
	case (wholePath || strings.Contains(s, "/")) && !absolute(s) && (wholePath || !strings.HasPrefix(s, "**/")):
		d.fail(at, "begin it with / or with a variable such as %user_home%", "%q is a relative path", s)
	case wholePath && braceHoldsSlash(s):
		d.fail(at, "write a glob for each", "%q has a slash inside braces, which would have everything below walked through", s)
	case strings.HasSuffix(s, "/"):
		d.fail(at, "for all that is below it write "+s+"**", "%q ends in a slash and would fit nothing", s)
	case slices.ContainsFunc(strings.Split(s, "/"), func(seg string) bool { return seg == "." || seg == ".." }) || strings.Contains(s, "//"):
		d.fail(at, "", "%q has an empty, . or .. segment and would fit nothing", s)
	}
}

// braceHoldsSlash reports whether a glob has alternatives of more than one segment.
func braceHoldsSlash(glob string) bool {
	depth, class := 0, false
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '{':
			depth++
		case c == '}':
			depth--
		case c == '/' && depth > 0:
			return true
		}
	}
	return false
}

var (
	windowsPath = regexp.MustCompile(`^([A-Za-z]:|%[A-Za-z0-9_]+%)\\`)
	drivePath   = regexp.MustCompile(`^[A-Za-z]:[/\\]`)
)

// absolute reports whether a path begins at a root, a drive, or a variable whose value does.
func absolute(s string) bool {
	if strings.HasPrefix(s, "/") || drivePath.MatchString(s) {
		return true
	}
	p := pieces(s)
	if len(p) == 0 || !p[0].variable {
		return false
	}
	v, known := lookupVariable(p[0].text)
	return (v.folder || !known) && (len(p) == 1 || strings.HasPrefix(p[1].text, "/") || strings.HasPrefix(p[1].text, `\`))
}

func list(words []string) string { return strings.Join(words, ", ") }
