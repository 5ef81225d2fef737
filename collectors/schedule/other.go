package schedule

import (
	"regexp"
	"strings"
)

// udevRuns are the assignments of a udev rule that run a program.
var udevRuns = regexp.MustCompile(`(?:^|[,\s])((?:RUN|PROGRAM|IMPORT\{program\}|RUN\{program\})\s*(?:\+=|:=|==|=))\s*"((?:[^"\\]|\\.)*)"`)

// Udev reads what rules of udev(7) run.
func Udev(text string) []Entry {
	var out []Entry
	lines(text, func(n int, line string) {
		for _, m := range udevRuns.FindAllStringSubmatch(line, 16) {
			out = append(out, Entry{Line: n, Command: m[2], When: strings.ReplaceAll(m[1], " ", "")})
		}
	})
	return out
}

// PAM reads the modules of pam.d(5) that stand outside of the system's own folder, by a path, and those that run programs.
func PAM(text string) []Entry {
	var out []Entry
	lines(text, func(n int, line string) {
		f := strings.Fields(afterControl(line))
		if len(f) == 0 {
			return
		}
		if m := f[0]; strings.Contains(m, "/") || strings.Contains(m, "pam_exec") || strings.Contains(m, "pam_script") || strings.Contains(m, "pam_python") {
			out = append(out, Entry{Line: n, Command: strings.Join(f, " "), When: firstField(line)})
		}
	})
	return out
}

func firstField(line string) string {
	word, _, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
	return word
}

// afterControl is a line from its module on: behind the type, and a control that may be many words in brackets.
func afterControl(line string) string {
	_, rest, ok := cutFields(line, 1)
	if !ok {
		return ""
	}
	if strings.HasPrefix(rest, "[") {
		_, after, _ := strings.Cut(rest, "]")
		return after
	}
	_, rest, ok = cutFields(rest, 1)
	if !ok {
		return ""
	}
	return rest
}

// Modprobe reads the lines of modprobe.d(5) that run a program in place of loading a module.
func Modprobe(text string) []Entry {
	var out []Entry
	lines(text, func(n int, line string) {
		f, command, ok := cutFields(line, 2)
		if ok && (f[0] == "install" || f[0] == "remove") {
			out = append(out, Entry{Line: n, Command: command, When: f[0] + " " + f[1]})
		}
	})
	return out
}

// PackageHooks reads what apt.conf(5) and dpkg.cfg(5) run before and after they install.
func PackageHooks(text string) []Entry {
	var out []Entry
	hook, depth := "", 0
	lines(text, func(n int, line string) {
		if strings.HasPrefix(line, "//") {
			return
		}
		if key, command, ok := strings.Cut(line, "="); ok && (key == "pre-invoke" || key == "post-invoke") {
			out = append(out, Entry{Line: n, Command: strings.Trim(command, `"'`), When: key})
			return
		}
		if name := firstField(line); isHook(name) {
			hook = strings.TrimRight(name, "{;\"")
		}
		if hook == "" {
			return
		}
		for _, command := range quoted(line) {
			out = append(out, Entry{Line: n, Command: command, When: hook})
		}
		depth += strings.Count(line, "{") - strings.Count(line, "}")
		if depth <= 0 && strings.ContainsAny(line, ";}") {
			hook, depth = "", 0
		}
	})
	return out
}

func isHook(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "-invoke") || strings.Contains(name, "pre-install-pkgs")
}

// Sudo reads the plugins of sudo.conf(5).
func Sudo(text string) []Entry {
	var out []Entry
	lines(text, func(n int, line string) {
		f := strings.Fields(line)
		if len(f) >= 3 && (f[0] == "Plugin" || f[0] == "Path") {
			out = append(out, Entry{Line: n, Command: strings.Join(f[2:], " "), When: f[0] + " " + f[1]})
		}
	})
	return out
}

// Script reads the commands of a shell script, a line each, with the lines joined that a backslash ends.
func Script(text string) []Entry {
	var out []Entry
	var whole strings.Builder
	n, begin := 0, 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if whole.Len() == 0 {
			begin = n
			if line == "" || line[0] == '#' {
				continue
			}
		}
		if head, ok := strings.CutSuffix(line, `\`); ok {
			whole.WriteString(head + " ")
			continue
		}
		whole.WriteString(line)
		if len(out) < maxEntries {
			out = append(out, Entry{Line: begin, Command: whole.String()})
		}
		whole.Reset()
	}
	return out
}
