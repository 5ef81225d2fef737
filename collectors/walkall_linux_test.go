package collectors_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bellwether/collectors"
	"bellwether/collectors/collectorstest"
	"bellwether/profiles"

	"github.com/google/go-cmp/cmp"
)

const elf = "\x7fELF\x02\x01\x01\x00 the rest of a program, long enough to be one of those that are looked at"

// oddTree is a root with everything that a list of the walk is about. It needs root for the marks and capabilities.
func oddTree(t testing.TB) string {
	t.Helper()
	root := collectorstest.Root(t, map[string]string{
		"etc/passwd":   "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n",
		"etc/group":    "root:x:0:\nann:x:1000:\n",
		"usr/bin/tool": elf, "usr/bin/script": "#!/bin/sh\n", "usr/bin/changed": elf + "x", "usr/lib/libx.so.1": elf, "usr/bin/suid": elf,
		"usr/share/text": "text", "usr/share/.cache/x": "x", "usr/share/doc/readme.txt": elf, "tmp/run": elf, "tmp/su": elf, "tmp/.X11-unix/x": "",
		"home/ann/.ssh/authorized_keys": "k", "var/backups/authorized_keys": "k", "home/ann/.bash_history": "", "home/ann/suid": elf,
		"var/tmp/.. /x": "x", "var/tmp/.../y": "y", "var/a\nb|c": "x", "var/caf\xc3\xa9": "", "var/bad\xff": "", "root/secret/suid": elf, "dev/shm/p": elf, "dev/nul": "x",
		"opt/old": "old", "opt/shell.php": "x",
		"var/lib/dpkg/status": "Package: p\nStatus: install ok installed\nVersion: 1\n",
	})
	at := func(name string) string { return filepath.Join(root, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	sums := ""
	for _, name := range []string{"usr/bin/tool", "usr/lib/libx.so.1", "usr/bin/suid"} {
		sums += md5Of(t, at(name)) + "  " + name + "\n"
	}
	sums += strings.Repeat("0", 32) + "  usr/bin/changed\n"
	must(os.MkdirAll(at("var/lib/dpkg/info"), 0o755))
	must(os.WriteFile(at("var/lib/dpkg/info/p.md5sums"), []byte(sums), 0o644))
	must(os.WriteFile(at("var/lib/dpkg/info/p.list"), []byte("/usr/share\n/usr/bin/script\n"), 0o644))
	for _, name := range []string{"usr/bin/tool", "usr/bin/script", "usr/bin/changed", "tmp/run"} {
		must(os.Chmod(at(name), 0o755))
	}
	for _, name := range []string{"usr/bin/suid", "tmp/su", "root/secret/suid", "home/ann/suid"} {
		must(os.Chmod(at(name), 0o755|os.ModeSetuid))
	}
	must(os.Chmod(at("root/secret"), 0o700))
	must(os.Chmod(at("tmp"), 0o777|os.ModeSticky))
	must(os.Chmod(at("tmp/.X11-unix"), 0o777|os.ModeSticky))
	must(os.Chmod(at("opt"), 0o777))
	must(os.Symlink("/dev/null", at("home/ann/.zsh_history")))
	must(os.Symlink("tool", at("usr/bin/alias")))
	must(os.Link(at("usr/bin/tool"), at("usr/bin/tool2")))
	must(syscall.Mkfifo(at("tmp/f"), 0o600))
	long := time.Now().Add(-48 * time.Hour)
	must(os.Chtimes(at("opt/old"), long, long))
	return root
}

func md5Of(t testing.TB, name string) string {
	t.Helper()
	out, err := exec.Command("md5sum", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out[:32])
}

// walkRoot runs a walk of a root and returns what it kept.
func walkRoot(t testing.TB, root string, step profiles.Step, more ...profiles.Step) *collectorstest.Sink {
	t.Helper()
	step.Name, step.Collector = "walk", profiles.Walk
	sink := &collectorstest.Sink{}
	env := collectors.NewEnv(root, slog.New(slog.DiscardHandler))
	if err := collectors.Run(context.Background(), &profiles.Plan{Steps: append(more, step)}, env, sink); err != nil {
		t.Fatal(err)
	}
	return sink
}

// list returns the lines of a text file of a walk.
func list(t testing.TB, sink *collectorstest.Sink, name string) []string {
	t.Helper()
	for _, k := range sink.Items() {
		if k.Name == "state/walk/"+name+".txt" {
			return strings.Split(strings.TrimSuffix(string(k.Content), "\n"), "\n")
		}
	}
	t.Fatalf("there is no list %s", name)
	return nil
}

// The lists hold what find finds. A name with a line break, a bar or bytes that are no text is shown with \xNN.
func TestWalkListsEqualFind(t *testing.T) {
	root := oddTree(t)
	sink := walkRoot(t, root, profiles.Step{Lists: []profiles.List{
		{Name: "authorized-keys", Glob: []string{"authorized_keys*"}}, {Name: "histories", Glob: []string{"*history"}},
		{Name: "ssh", Glob: []string{"/**/.ssh/*"}}, {Name: "php", Glob: []string{"*.ph?"}, NewerThan: time.Hour},
	}})
	for name, args := range map[string][]string{
		"suid":               {"-type", "f", "(", "-perm", "-04000", "-o", "-perm", "-02000", ")"},
		"hidden-directories": {"-type", "d", "-name", ".*"},
		"world-writable":     {"-type", "d", "-perm", "-0002", "!", "-perm", "-1000"},
		"pipes":              {"-type", "p"},
		"authorized-keys":    {"-name", "authorized_keys*"},
		"histories":          {"-name", "*history"},
		"ssh":                {"-path", "*/.ssh/*"},
		"php":                {"-name", "*.php"},
		"device-files":       {"-path", root + "/dev/*", "-type", "f"},
		"recent":             {"-ctime", "-1"},
	} {
		out, err := exec.Command("find", slices.Concat([]string{root, "-mindepth", "1"}, args, []string{"-printf", `/%P\0`})...).Output()
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
		for i := range want {
			want[i] = strings.NewReplacer("\n", `\x0a`, "\xff", `\xff`).Replace(want[i])
		}
		var got []string
		for _, line := range list(t, sink, name) {
			line, _, _ = strings.Cut(line, " -> ")
			got = append(got, strings.SplitN(line, " ", 5)[4])
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-find +walk):\n%s", name, diff)
		}
	}
}

func TestWalkBodyfileEqualsFind(t *testing.T) {
	root := oddTree(t)
	sink := walkRoot(t, root, profiles.Step{})
	out, err := exec.Command("find", root, "-mindepth", "1", "-printf", `/%P|%l|%i|%y/%M|%U|%G|%s|%T@|%C@\0`).Output()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, line := range strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		line = strings.NewReplacer("\n", `\x0a`, "\xff", `\xff`, "b|c", `b\x7cc`).Replace(line)
		f := strings.Split(line, "|")
		if f[1] != "" {
			f[0] += " -> " + f[1]
		}
		kind, _, _ := strings.Cut(f[3], "/")
		kind = strings.ReplaceAll(kind, "f", "r")
		if f[3][0] == 'p' {
			kind = "p"
		}
		whole := func(s string) string { s, _, _ = strings.Cut(s, "."); return s }
		want = append(want, strings.Join([]string{f[0], f[2], kind + "/" + kind + f[3][3:], f[4], f[5], f[6], whole(f[7]), whole(f[8])}, "|"))
	}
	var got []string
	for _, line := range list(t, sink, "bodyfile") {
		f := strings.Split(line, "|")
		if len(f) != 11 {
			t.Fatalf("%q has %d fields, want 11", line, len(f))
		}
		got = append(got, strings.Join(slices.Concat(f[1:7], f[8:10]), "|"))
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bodyfile (-find +walk):\n%s", diff)
	}
}

func TestWalkExecutables(t *testing.T) {
	root := oddTree(t)
	sink := walkRoot(t, root, profiles.Step{})
	got := map[string]string{}
	for _, line := range list(t, sink, "executables") {
		f := strings.SplitN(line, " ", 5)
		got[f[3]] = f[0] + " " + f[4]
	}
	sum := func(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) }
	want := map[string]string{
		"/usr/bin/tool": sum(elf) + " p", "/usr/bin/tool2": sum(elf) + " (no package)", "/usr/bin/script": sum("#!/bin/sh\n") + " p (not compared)",
		"/usr/bin/changed": sum(elf+"x") + " p (differs)", "/usr/lib/libx.so.1": sum(elf) + " p", "/usr/bin/suid": sum(elf) + " p",
		"/usr/share/doc/readme.txt": sum(elf) + " (no package)",
	}
	for _, p := range []string{"/tmp/run", "/tmp/su", "/home/ann/suid", "/root/secret/suid", "/dev/shm/p"} {
		want[p] = sum(elf) + " (no package)"
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("executables (-want +got):\n%s", diff)
	}
}

// Each odd thing of the tree is found by its rule, in the line of the list that it stands in, and nothing else is.
func TestWalkFindings(t *testing.T) {
	root := oddTree(t)
	sink := walkRoot(t, root, profiles.Step{Lists: []profiles.List{{Name: "authorized-keys", Glob: []string{"authorized_keys*"}}}})
	var got []string
	for _, f := range sink.Findings() {
		got = append(got, string(f.Severity)+" "+f.ID+" "+f.Evidence["path"])
		name := strings.TrimSuffix(strings.TrimPrefix(f.Name, "state/walk/"), ".txt")
		if line := list(t, sink, name)[f.Line-1]; !strings.Contains(line, strings.ReplaceAll(f.Evidence["path"], "\n", `\x0a`)) {
			t.Errorf("%s stands in %s:%d, which is %q", f.Evidence["path"], f.Name, f.Line, line)
		}
	}
	want := []string{
		"high file-suid-odd /tmp/su", "high file-suid-odd /home/ann/suid", "low file-suid-odd /root/secret/suid",
		"medium directory-hidden-odd /usr/share/.cache", "high file-name-odd /var/tmp/.. ", "high file-name-odd /var/tmp/...",
		"low file-name-odd /var/a\nb|c", "high file-elf-odd /dev/shm/p", "medium file-elf-odd /tmp/run", "medium file-elf-odd /tmp/su",
		"low file-elf-odd /usr/share/doc/readme.txt", "low directory-world-writable /opt", "high package-digest /usr/bin/changed",
		"low ssh-keys-odd-place /var/backups/authorized_keys", "medium device-file-odd /dev/nul",
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestWalkMarksAndCapabilities(t *testing.T) {
	root := collectorstest.Root(t, map[string]string{"etc/pinned": "x", "var/log/grows": "x", "usr/bin/cap": elf, "usr/bin/caps": elf})
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		if err != nil {
			t.Skipf("%v: %v: %s", args, err, out)
		}
		return string(out)
	}
	pinned, grows, folder := filepath.Join(root, "etc/pinned"), filepath.Join(root, "var/log/grows"), filepath.Join(root, "etc")
	run("chattr", "+i", pinned)
	t.Cleanup(func() { _ = exec.Command("chattr", "-R", "-i", folder).Run() })
	run("chattr", "+i", folder)
	run("chattr", "+a", grows)
	t.Cleanup(func() { _ = exec.Command("chattr", "-a", grows).Run() })
	run("setcap", "cap_net_raw,cap_setuid+ep", filepath.Join(root, "usr/bin/cap"))
	run("setcap", "cap_net_bind_service=ei cap_bpf=eip", filepath.Join(root, "usr/bin/caps"))
	sink := walkRoot(t, root, profiles.Step{})
	var want []string
	for line := range strings.Lines(run("getcap", "-r", root)) {
		want = append(want, strings.TrimSpace(strings.TrimPrefix(line, root)))
	}
	got := list(t, sink, "capabilities")
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("capabilities (-getcap +walk):\n%s", diff)
	}
	var marked []string
	for _, line := range list(t, sink, "immutable") {
		marked = append(marked, line[:2]+line[strings.LastIndex(line, " "):])
	}
	slices.Sort(marked)
	if diff := cmp.Diff([]string{"-a /var/log/grows", "i- /etc", "i- /etc/pinned"}, marked); diff != "" {
		t.Errorf("immutable (-want +got):\n%s", diff)
	}
	var rules []string
	for _, f := range sink.Findings() {
		rules = append(rules, f.ID+" "+f.Evidence["path"])
	}
	slices.Sort(rules)
	if diff := cmp.Diff([]string{
		"file-capability-odd /usr/bin/cap", "file-capability-odd /usr/bin/caps", "file-immutable /etc", "file-immutable /etc/pinned", "file-immutable /var/log/grows",
	}, rules); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// What a limit leaves out is said: in an item, in the table of volumes, and in every list.
func TestWalkLimits(t *testing.T) {
	root := oddTree(t)
	for name, test := range map[string]struct {
		step         profiles.Step
		reason, item string
	}{
		"entries": {profiles.Step{MaxEntries: 10}, "the walk of / is not complete: more than 10 entries", "not finished: more than 10 entries; nothing after /"},
		"time":    {profiles.Step{Timeout: time.Nanosecond}, "the walk is not complete: it took longer than 1ns", "not finished: the step's timeout; nothing after /"},
		"depth":   {profiles.Step{MaxDepth: 2}, "", "not walked: more than 2 directories deep"},
	} {
		sink := walkRoot(t, root, test.step)
		reason, item := "", ""
		for _, k := range sink.Items() {
			if k.Name == "state/walk/bodyfile.txt" && k.Err != nil {
				reason = k.Err.Error()
			}
			if k.Bare && item == "" {
				item = k.Reason
			}
		}
		if reason != test.reason || !strings.HasPrefix(item, test.item) {
			t.Errorf("%s: the bodyfile says %q, want %q; the item %q, want %q", name, reason, test.reason, item, test.item)
		}
	}
}

// A pattern that needs a walk of its own is answered by the walk of everything; one with a fixed folder by its own step, before it.
func TestWalkKeepsForFileSteps(t *testing.T) {
	root := oddTree(t)
	sink := walkRoot(t, root, profiles.Step{}, profiles.Step{
		Name: "keys", Collector: profiles.File, Path: []string{"/**/authorized_keys*", "/usr/share/**", "/**/none", "/o*/old"}, Exclude: []string{"backups"},
	})
	var got []string
	for _, k := range sink.Items() {
		if k.Step != "keys" {
			continue
		}
		what := "kept"
		if k.Bare {
			what = k.Reason
		}
		got = append(got, k.Source+": "+what)
	}
	want := []string{
		"/usr/share/.cache/x: kept", "/usr/share/doc/readme.txt: kept", "/usr/share/text: kept", "/opt/old: kept", "/home/ann/.ssh/authorized_keys: kept",
		"/**/none: nothing there matches",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("items of the file step (-want +got):\n%s", diff)
	}
}

// When the walk is not reached, what was handed to it has a line all the same.
func TestWalkThatIsNotReached(t *testing.T) {
	root := oddTree(t)
	ctx, cancel := context.WithCancel(context.Background())
	sink := &collectorstest.Sink{}
	env := collectors.NewEnv(root, slog.New(slog.DiscardHandler))
	env.OnStep = func(s profiles.Step) { cancel() }
	plan := &profiles.Plan{Steps: []profiles.Step{
		{Name: "keys", Collector: profiles.File, Path: []string{"/**/authorized_keys"}},
		{Name: "text", Collector: profiles.File, Path: []string{"/usr/share/text"}}, {Name: "walk", Collector: profiles.Walk},
	}}
	if err := collectors.Run(ctx, plan, env, sink); err == nil {
		t.Fatal("the run was not interrupted")
	}
	reasons := map[string]string{}
	for _, k := range sink.Items() {
		reasons[k.Step] = k.Reason
	}
	for _, step := range []string{"keys", "walk"} {
		if want := "not reached: the run was interrupted"; reasons[step] != want {
			t.Errorf("step %s: %q, want %q", step, reasons[step], want)
		}
	}
}

// A run that only looks walks nothing and hands nothing over.
func TestWalkIsNotLookedAt(t *testing.T) {
	root := oddTree(t)
	sink := &collectorstest.Sink{}
	env := collectors.NewEnv(root, slog.New(slog.DiscardHandler))
	env.Look = true
	plan := &profiles.Plan{Steps: []profiles.Step{
		{Name: "keys", Collector: profiles.File, Path: []string{"/**/authorized_keys"}}, {Name: "walk", Collector: profiles.Walk},
	}}
	if err := collectors.Run(context.Background(), plan, env, sink); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, k := range sink.Items() {
		if k.Step == "walk" {
			names = append(names, k.Name)
		}
	}
	if diff := cmp.Diff([]string{"state/walk/bodyfile.txt", "state/walk/executables.txt", "state/walk/volumes.jsonl"}, names); diff != "" {
		t.Errorf("items of the walk (-want +got):\n%s", diff)
	}
	if got := len(sink.Items()) - len(names); got != 2 {
		t.Errorf("%d items of the file step, want its 2 files", got)
	}
}

// A sink that can keep nothing more ends the walk.
func TestWalkEndsWithItsSink(t *testing.T) {
	root := oddTree(t)
	sink := &collectorstest.Sink{Fail: func(i collectors.Item) error {
		if strings.HasPrefix(i.Name, "state/walk/") {
			return os.ErrClosed
		}
		return nil
	}}
	env := collectors.NewEnv(root, slog.New(slog.DiscardHandler))
	err := collectors.Run(context.Background(), &profiles.Plan{Steps: []profiles.Step{{Name: "walk", Collector: profiles.Walk}}}, env, sink)
	if err == nil || !strings.Contains(err.Error(), os.ErrClosed.Error()) {
		t.Errorf("Run returned %v, want the sink's error", err)
	}
}

// A bind mount of a part of the same volume is not walked twice, a tmpfs is, and a network file system is left alone.
func TestWalkMounts(t *testing.T) {
	root := collectorstest.Root(t, map[string]string{"data/a": "a", "bound/.keep": "", "memory/x": ""})
	t.Cleanup(func() {
		for _, name := range []string{"bound", "memory"} {
			_ = syscall.Unmount(filepath.Join(root, name), syscall.MNT_DETACH)
		}
	})
	if err := syscall.Mount(filepath.Join(root, "data"), filepath.Join(root, "bound"), "", syscall.MS_BIND, ""); err != nil {
		t.Skipf("can't mount: %v", err)
	}
	if err := syscall.Mount("tmpfs", filepath.Join(root, "memory"), "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("can't mount: %v", err)
	}
	if err := os.WriteFile(filepath.Join(root, "memory/b"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	sink := walkRoot(t, root, profiles.Step{})
	var got []string
	for _, line := range list(t, sink, "bodyfile") {
		got = append(got, strings.Split(line, "|")[1])
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"/data", "/data/a", "/memory", "/memory/b"}, got); diff != "" {
		t.Errorf("walked (-want +got):\n%s", diff)
	}
	if v := strings.Join(list(t, sink, "volumes"), "\n"); !strings.Contains(v, "shows what is walked as a part of /") {
		t.Errorf("volumes.txt does not say why /bound is not walked:\n%s", v)
	}
}

// The bodyfile of a mounted file system is what fls of The Sleuth Kit reads from its blocks, and mactime makes the same timeline of both.
func TestWalkBodyfileEqualsFls(t *testing.T) {
	for _, tool := range []string{"mkfs.ext4", "fls", "mactime"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s (Debian: e2fsprogs, sleuthkit)", tool)
		}
	}
	source := collectorstest.Root(t, map[string]string{"etc/a": "a", "etc/b/c": "ccc", "bin/tool": elf})
	if err := os.Symlink("a", filepath.Join(source, "etc/l")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(source, "f"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(source, "bin/tool"), 0o755|os.ModeSetuid|os.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	image, mounted := filepath.Join(dir, "image"), filepath.Join(dir, "mounted")
	run := func(args ...string) (string, error) {
		out, err := exec.Command(args[0], args[1:]...).Output()
		return string(out), err
	}
	if _, err := run("mkfs.ext4", "-q", "-d", source, image, "4M"); err != nil {
		t.Fatal(err)
	}
	fls, err := run("fls", "-r", "-p", "-m", "/", image)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(mounted, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := run("mount", "-o", "loop,ro", image, mounted); err != nil {
		t.Skipf("can't mount: %v: %s", err, out)
	}
	t.Cleanup(func() { _, _ = run("umount", mounted) })
	var want []string
	for line := range strings.Lines(fls) {
		if !strings.Contains(line, "$OrphanFiles") { // fls has it, the file system does not
			want = append(want, strings.TrimSuffix(line, "\n"))
		}
	}
	got := list(t, walkRoot(t, mounted, profiles.Step{}), "bodyfile")
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bodyfile (-fls +walk):\n%s", diff)
	}
	timeline := func(lines []string) string {
		name := filepath.Join(dir, "body")
		if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := run("mactime", "-b", name, "-d", "-z", "UTC")
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if diff := cmp.Diff(timeline(want), timeline(got)); diff != "" || strings.Count(timeline(got), "\n") < 8 {
		t.Errorf("mactime (-fls +walk):\n%s\n%s", diff, timeline(got))
	}
}

func TestStat(t *testing.T) {
	root := oddTree(t)
	sink := &collectorstest.Sink{}
	env := collectors.NewEnv(root, slog.New(slog.DiscardHandler))
	step := profiles.Step{Name: "usr", Collector: profiles.Stat, Path: []string{"/usr/bin/*", "/home/*/.*history"}, Exclude: []string{"suid"}}
	if err := collectors.Run(context.Background(), &profiles.Plan{Steps: []profiles.Step{step}}, env, sink); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(sink.Items()[0].Content)) {
		got = append(got, strings.Split(line, "|")[1])
	}
	want := []string{
		"/usr/bin/alias -> tool", "/usr/bin/changed", "/usr/bin/script", "/usr/bin/tool", "/usr/bin/tool2", "/home/ann/.bash_history",
		"/home/ann/.zsh_history -> /dev/null",
	}
	if diff := cmp.Diff(want, got); diff != "" || sink.Items()[0].Name != "state/stat/usr.txt" {
		t.Errorf("%s (-want +got):\n%s", sink.Items()[0].Name, diff)
	}
}

func BenchmarkWalk(b *testing.B) {
	root := b.TempDir()
	for i := range 100 {
		dir := filepath.Join(root, "usr/share", strings.Repeat("d", i%20+1), hex.EncodeToString([]byte{byte(i)}))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			b.Fatal(err)
		}
		for j := range 100 {
			content := "text"
			if j%20 == 0 {
				content = elf
			}
			if err := os.WriteFile(filepath.Join(dir, hex.EncodeToString([]byte{byte(j)})), []byte(content), 0o644); err != nil {
				b.Fatal(err)
			}
		}
	}
	entries := 0
	b.ReportAllocs()
	for b.Loop() {
		entries = len(list(b, walkRoot(b, root, profiles.Step{}), "bodyfile"))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*entries), "ns/entry")
}
