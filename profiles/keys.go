package profiles

import (
	"slices"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// A key is one word that a step may use: what it takes, for whom it is, and how it is read.
type key struct {
	name  string
	in    []string // the collectors that know it; nil means all
	value string   // what it takes, for people
	unset string   // what holds without it, for people
	text  string
	read  func(d *decoder, s *Step, n ast.Node)
}

// collectorNames are the kinds that a step can name.
var collectorNames = []string{
	Command, File, Stat, Journal, Process, Network, Kernel, Account, Session, Tampering, Schedule, Container, Walk, Compare, Volumes, Cloud, Vendor,
}

// runsCommands are the kinds that start programs of the host, and readsLive those that make sense on a running host alone.
var (
	runsCommands = []string{Command, Journal, Compare}
	readsLive    = []string{Process, Network, Kernel, Container, Compare, Cloud}
)

// readsRoles are the kinds that are told what their files are.
var readsRoles = []string{Account, Session, Tampering, Schedule, Container}

// stepKeys is in the order of the documentation. `include`, which stands alone, is not among them.
var stepKeys = []key{
	{"name", nil, "name", "required", "Unique in all that is loaded together: lower-case letters, digits and single dashes, 64 at most.",
		func(d *decoder, s *Step, n ast.Node) { s.Name = d.name(n) }},
	{"description", nil, "text", "", "What it is for, where the name does not say it.",
		func(d *decoder, s *Step, n ast.Node) { s.Description = d.text(n) }},
	{"collector", nil, list(collectorNames), "required", "What carries the step out.",
		func(d *decoder, s *Step, n ast.Node) { s.Collector = d.oneOf(n, "collector", collectorNames) }},
	{"area", nil, "name", "required for command", "The folder under commands/. Neighbouring commands of one area may run side by side.",
		func(d *decoder, s *Step, n ast.Node) { s.Area = d.name(n) }},
	{"use_case", nil, "list", "", "The questions that it helps to answer, of the list below.",
		func(d *decoder, s *Step, n ast.Node) { s.UseCase = d.useCases(n) }},
	{"attack", nil, "list of ids", "", "MITRE ATT&CK techniques that it can show: T1053 or T1053.003.",
		func(d *decoder, s *Step, n ast.Node) { s.Attack = d.techniques(n) }},
	{"supported_os", nil, "list", "all", "The systems that it is for: linux, windows or all.",
		func(d *decoder, s *Step, n ast.Node) { s.OS = d.systems(n) }},

	{"argv", []string{Command}, "list", "this or shell", "The program and its arguments. No shell sees them.",
		func(d *decoder, s *Step, n ast.Node) { s.Argv = d.argv(n) }},
	{"shell", []string{Command}, "text", "this or argv", "A line for /bin/sh (cmd.exe on Windows). It takes no variables.",
		func(d *decoder, s *Step, n ast.Node) { s.Shell = d.shell(n) }},
	{"timeout", []string{Command, Journal, Walk}, "time", "60s; walk 10m", "After it the command and all that it started, or the walk, is ended; what came until then is kept.",
		func(d *decoder, s *Step, n ast.Node) { s.Timeout = d.age(n) }},
	{"max_output", []string{Command, Journal}, "size", "64MiB", "More output than this is cut.",
		func(d *decoder, s *Step, n ast.Node) { s.MaxOutput = d.size(n) }},

	{"path", []string{File, Stat, Compare, Volumes, Vendor}, "list of globs", "required for file and stat", "What to copy, or to list. Absolute, written with / on all systems; ** stands for any number of folders. For compare: the names that ls has to list, as in /etc/*. For volumes: where on the system's own volume to look for logs. For vendor: the folders of systemd units.",
		func(d *decoder, s *Step, n ast.Node) { s.Path = d.globs(n, true) }},
	{"files", readsRoles, "mapping of uses to lists of globs", "required", "What to read, by what it is to the collector: see the table of uses below.",
		func(d *decoder, s *Step, n ast.Node) { s.Files = d.roles(n) }},
	{"names", []string{Volumes}, "list of globs", "required", "What a log is called. Without a slash it is compared with the name, with one with the whole path.",
		func(d *decoder, s *Step, n ast.Node) { s.Names = d.globsOf(n, "names", false) }},
	{"config", []string{Volumes}, "mapping of programs to lists of globs", "", "Where the configuration of programs is that say in it where they log, or where logs are sent to. See the list of programs below.",
		func(d *decoder, s *Step, n ast.Node) { s.Config = d.logConfigs(n) }},
	{"products", []string{Vendor}, "list of products", "required", "What to look for, each with product, kind, and process, unit, path or logs. See below.",
		func(d *decoder, s *Step, n ast.Node) { s.Products = d.products(n) }},
	{"exclude", append([]string{File, Stat, Walk, Volumes, Vendor}, readsRoles...), "list of globs", "", "What to leave out. Without a slash it is compared with the name, with one with the whole path.",
		func(d *decoder, s *Step, n ast.Node) { s.Exclude = d.globs(n, false) }},
	{"max_file_size", []string{File, Walk, Volumes, Vendor}, "size", "the run's limit; walk 256MiB", "Larger files are listed and not copied; of a walk, not hashed.",
		func(d *decoder, s *Step, n ast.Node) { s.MaxFileSize = d.size(n) }},
	{"max_dir_size", []string{Volumes, Vendor}, "size", "no limit", "So much of one folder is copied, the newest files first; of volumes, those that are open or configured before.",
		func(d *decoder, s *Step, n ast.Node) { s.MaxDirSize = d.size(n) }},
	{"max_total_size", []string{Volumes, Vendor}, "size", "the run's limit", "So much is copied altogether, the newest files first; of volumes, those that are open or configured before.",
		func(d *decoder, s *Step, n ast.Node) { s.MaxTotalSize = d.size(n) }},
	{"min_file_size", []string{File, Volumes, Vendor}, "size", "0", "Smaller files are left out.",
		func(d *decoder, s *Step, n ast.Node) { s.MinFileSize = d.size(n) }},
	{"max_depth", []string{File, Stat, Walk, Volumes, Vendor}, "number", "the collector's limit", "How many folders deep below the first wildcard, or a volume's root.",
		func(d *decoder, s *Step, n ast.Node) { s.MaxDepth = d.depth(n) }},
	{"newer_than", []string{File, Journal, Stat, Walk, Schedule, Volumes, Vendor}, "time", "any age; walk 1d, schedule 14d", "Only what was changed (by mtime, ctime or btime, the newest), or logged, within this time. Of a walk: what recent.txt lists. For schedule: what was changed within it is a finding; --since takes its place.",
		func(d *decoder, s *Step, n ast.Node) { s.NewerThan = d.age(n) }},
	{"note", []string{File}, "text", "", "What the manifest says of each file that is kept, such as that it can hold secrets.",
		func(d *decoder, s *Step, n ast.Node) { s.Note = d.text(n) }},
	{"ignore_date_range", append([]string{File, Journal, Stat, Walk, Volumes, Vendor}, readsRoles...), "true or false", "false", "--since does not narrow this step.",
		func(d *decoder, s *Step, n ast.Node) { s.IgnoreDateRange = d.boolean(n) }},

	{"max_entries", []string{Walk}, "number", "5000000", "How many files and folders of one volume are looked at.",
		func(d *decoder, s *Step, n ast.Node) { s.MaxEntries = d.count(n) }},
	{"verify", []string{Walk}, "programs or all", "programs", "What is compared with the digests of its package: programs and libraries, or every file.",
		func(d *decoder, s *Step, n ast.Node) {
			s.Verify = d.oneOf(n, "verify", []string{VerifyPrograms, VerifyAll})
		}},
	{"lists", []string{Walk}, "list", "", "Files to be listed by their names: a list of {name: NAME, glob: [GLOB …], newer_than: TIME}, each a text file state/walk/NAME.txt.",
		func(d *decoder, s *Step, n ast.Node) { s.Lists = d.lists(n) }},
}

func (k key) belongsTo(collector string) bool {
	return k.in == nil || slices.Contains(k.in, collector)
}

func lookupKey(name string) (key, bool) {
	for _, k := range stepKeys {
		if k.name == name {
			return k, true
		}
	}
	return key{}, false
}

// What holds where neither the step nor its document says otherwise.
const (
	defaultTimeout         = 60 * time.Second
	defaultMaxOutput int64 = 64 << 20
)

// useCases are the questions of the SANS posters, and two that Linux servers add.
var useCases = []string{
	"evidence-of-execution", "file-download", "file-opening", "deleted-files", "account-usage", "network-activity",
	"external-device", "browser-usage", "cloud-storage", "system-information", "persistence", "log-tampering",
}

// systems are the values of supported_os: GOOS, and UAC's word for every one.
var systems = []string{"linux", "windows", allSystems}

const allSystems = "all"

// shells read their arguments as a language, so that nothing of the host may be among them.
var shells = []string{
	"sh", "ash", "bash", "busybox", "csh", "dash", "fish", "ksh", "mksh", "tcsh", "zsh",
	"cmd", "powershell", "pwsh", "perl", "python", "python3", "ruby", "awk", "gawk", "mawk",
}
