package profiles

import (
	"path"
	"regexp"
	"strings"
)

// A variable is what %NAME% in argv, path and exclude stands for. Its name is written in any case.
type variable struct {
	name    string
	each    bool // it has one value for each account, and not one for the host
	folder  bool // its value is an absolute path, so that a path may begin with it
	meaning string
}

// The names of the accounts' variables.
const (
	varUser     = "user"
	varUserHome = "user_home"
)

var variables = []variable{
	{varUser, true, false, "the name of each account"},
	{varUserHome, true, true, "the home of each account, root included"},
	{"systemroot", false, true, "Windows: C:/Windows"},
	{"systemdrive", false, true, "Windows: C:"},
	{"programdata", false, true, "Windows: C:/ProgramData"},
	{"programfiles", false, true, "Windows: C:/Program Files"},
	{"programfiles_x86", false, true, "Windows: C:/Program Files (x86)"},
	{"public", false, true, "Windows: C:/Users/Public"},
}

func lookupVariable(name string) (variable, bool) {
	for _, v := range variables {
		if v.name == name {
			return v, true
		}
	}
	return variable{}, false
}

func variableNames() []string {
	names := make([]string, len(variables))
	for i, v := range variables {
		names[i] = "%" + v.name + "%"
	}
	return names
}

// A piece of a text is either a variable's name, in lower case and without the percent signs, or text that stands for itself.
type piece struct {
	text     string
	variable bool
}

var reference = regexp.MustCompile(`%%|%[A-Za-z][A-Za-z0-9_]*%`)

// pieces splits a text at its variables. %% is one percent sign; a percent sign that begins neither stands for itself.
func pieces(s string) []piece {
	var out []piece
	literal := ""
	for {
		at := reference.FindStringIndex(s)
		if at == nil {
			break
		}
		literal += s[:at[0]]
		found := s[at[0]:at[1]]
		s = s[at[1]:]
		if found == "%%" {
			literal += "%"
			continue
		}
		if literal != "" {
			out = append(out, piece{text: literal})
			literal = ""
		}
		out = append(out, piece{text: strings.ToLower(strings.Trim(found, "%")), variable: true})
	}
	if literal += s; literal != "" {
		out = append(out, piece{text: literal})
	}
	return out
}

// variablesIn returns the names of the variables in the texts, each once, in lower case.
func variablesIn(texts ...string) []string {
	var names []string
	seen := map[string]bool{}
	for _, text := range texts {
		for _, p := range pieces(text) {
			if p.variable && !seen[p.text] {
				seen[p.text] = true
				names = append(names, p.text)
			}
		}
	}
	return names
}

// expand puts the values in the place of the variables. It reports the first variable that has none.
func expand(s string, values map[string]string, escape func(string) string) (expanded, missing string) {
	var b strings.Builder
	for _, p := range pieces(s) {
		if !p.variable {
			b.WriteString(p.text)
			continue
		}
		value, ok := values[p.text]
		if !ok {
			return "", p.text
		}
		b.WriteString(escape(value))
	}
	return b.String(), ""
}

// verbatim is for arguments: nothing in them has a meaning of its own.
func verbatim(value string) string { return value }

// escapeGlob makes a value stand for itself in a glob.
func escapeGlob(value string) string {
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		if strings.IndexByte(`*?[]{}\`, value[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(value[i])
	}
	return b.String()
}

// escapeGlobOf is escapeGlob for a system: paths of Windows are written with slashes first.
func escapeGlobOf(goos string) func(string) string {
	if goos != "windows" {
		return escapeGlob
	}
	return func(value string) string { return escapeGlob(strings.ReplaceAll(value, `\`, "/")) }
}

// userName is what an account has to be called for its name to become an argument or a part of a path: one called
// "-x" would be an option, one called "../x" another folder. Windows allows blanks and most of Unicode.
var (
	userName        = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*\$?$`)
	userNameWindows = regexp.MustCompile(`^[^\x00-\x20"/\\\[\]:;|=,+*?<>%.-][^\x00-\x1f"/\\\[\]:;|=,+*?<>%]*$`)
)

func validUserName(goos, name string) bool {
	if goos == "windows" {
		return userNameWindows.MatchString(name)
	}
	return userName.MatchString(name)
}

var driveFolder = regexp.MustCompile(`^[A-Za-z]:/[^/]`)

// usableHome returns a home as %user_home% expands to it. It reports false for what is no folder of its own: the root,
// places that accounts without a home are given, pseudo file systems, and on Windows other machines' shares.
func usableHome(goos, home string) (string, bool) {
	if goos == "windows" {
		slashed := strings.ReplaceAll(home, `\`, "/")
		if !driveFolder.MatchString(slashed) {
			return "", false
		}
		return path.Clean(slashed), len(path.Clean(slashed)) > len("C:/")
	}
	if !strings.HasPrefix(home, "/") || strings.ContainsRune(home, 0) {
		return "", false
	}
	home = path.Clean(home)
	for _, no := range []string{"/nonexistent", "/dev", "/proc", "/sys"} {
		if home == no || strings.HasPrefix(home, no+"/") {
			return "", false
		}
	}
	return home, home != "/"
}
