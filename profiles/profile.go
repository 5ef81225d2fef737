// Package profiles says what to collect: the schema of profiles, their loader, and the planner that turns profiles
// into the steps for one host.
//
// A profile is refused as a whole, with file, line and column, before anything runs, if any part of it can't be
// understood. The built-in profiles are the only place in bellwether that names artifacts.
package profiles

import "time"

// A Profile is one YAML document.
type Profile struct {
	Schema      int
	Name        string
	Description string
	Defaults    Defaults
	Steps       []Step

	File   string // where it was read: a path, or "builtin/NAME.yaml"
	Digest string // SHA-256 of the document's bytes, lower-case hex

	// Steps has what the included profiles bring, each once and in its place. Sources has every document that it was made
	// from: this one first, the included ones in the order in which they were met.
	Sources []Source
}

// Defaults hold for every step of the same document that doesn't say otherwise.
type Defaults struct {
	Timeout   time.Duration // of a command
	MaxOutput int64         // bytes that are kept of a command's output
}

// The kinds of collectors that a step can name.
const (
	Command = "command" // runs a command, keeps what it prints
	File    = "file"    // copies files
	Journal = "journal" // the systemd journal as text
	Stat    = "stat"    // names, times and owners of files, as a bodyfile; content is not read

	// State that the agent reads by itself, without a program of the host.
	Process   = "process"   // processes, and what is hidden of them
	Network   = "network"   // sockets of all families, and who owns them
	Kernel    = "kernel"    // modules, taint, mounts, swap, settings
	Account   = "account"   // users, groups, keys, histories
	Session   = "session"   // logins: utmp, wtmp, btmp, lastlog
	Tampering = "tampering" // logs that were emptied, overwritten or taken away
	Schedule  = "schedule"  // timers, cron and at jobs, units, and other places that start programs
	Container = "container" // containers, through /proc and overlay mounts
	Compare   = "compare"   // what tools of the host say beside what the kernel says
	Walk      = "walk"      // one walk of every local volume that answers all questions about files
	Volumes   = "volumes"   // logs wherever they are: other volumes, open files, configurations, names
	Cloud     = "cloud"     // the instance's own metadata, and what was run on it through the control plane
	Vendor    = "vendor"    // security, log and backup agents of one vendor, and their logs
)

// A Step is one thing to gather.
type Step struct {
	Profile     string // the profile that it stands in
	Name        string // unique in a plan: lower case, digits and dashes
	Description string
	Collector   string
	Area        string   // the folder under commands/, and the group that commands run side by side in
	UseCase     []string // the SANS poster's questions
	Attack      []string // MITRE ATT&CK technique ids
	OS          []string // the systems that it is for, as GOOS; empty means all (key: supported_os)

	// command
	Argv      []string      // the program and its arguments, no shell
	Shell     string        // a command line for /bin/sh (cmd.exe); never carries data of the host
	Timeout   time.Duration // command and journal
	MaxOutput int64         // bytes; command and journal
	Output    string        // the name in the case; set by the planner: commands/<area>/<CamelCase>.txt

	// file
	Files           []Role        // by what they are to a collector that reads state
	Path            []string      // absolute globs with **, after planning free of variables
	Exclude         []string      // globs: without a slash they match the name, with one the whole path
	MaxFileSize     int64         // bytes; larger files are skipped and listed; 0 means no limit but the run's
	MinFileSize     int64         // bytes
	MaxDepth        int           // directories below the first wildcard; 0 means the collector's own limit
	NewerThan       time.Duration // age of the newest of mtime, ctime and btime; 0 means any age; file and journal
	IgnoreDateRange bool          // --since doesn't touch this step
	Note            string        // what the manifest says of what is kept; file

	// walk; also Exclude, MaxFileSize (of what is hashed), MaxDepth, NewerThan (what counts as recent), Timeout
	MaxEntries int64  // of one volume; 0 means the collector's own limit
	Verify     string // VerifyPrograms or VerifyAll
	Lists      []List // by names, beside those that every walk writes

	// volumes and vendor
	Names        []string    // globs: what a log is called; without a slash they match the name, with one the whole path
	Config       []LogConfig // where programs say where they log
	Products     []Product   // what to look for
	MaxDirSize   int64       // bytes that are kept of one directory; 0 means no limit
	MaxTotalSize int64       // bytes that the step keeps altogether; 0 means no limit but the run's
}

// What a walk compares with the digests of packages.
const (
	VerifyPrograms = "programs" // programs and libraries
	VerifyAll      = "all"      // every file
)

// A List is a text file that a walk writes of the files with certain names.
type List struct {
	Name      string
	Glob      []string      // without a slash they match the name, with one the whole path
	NewerThan time.Duration // age of the newest of mtime, ctime and btime; 0 means any age
}

// A Host is what the planner has to know of a machine.
type Host struct {
	OS    string // as GOOS
	Users []User // root included
	// Vars holds the values of the variables that have exactly one, %systemroot% for example, named without the percent signs.
	Vars map[string]string
}

// A User is one account of the host.
type User struct {
	Name string
	Home string // absolute; empty if the account has none
}

// Options narrow a plan.
type Options struct {
	Since       time.Duration // 0 means all; bounds every file and journal step that doesn't set ignore_date_range
	MaxFileSize int64         // bytes; 0 means the profile's own limits
	NoCommands  bool          // steps that run commands are left out, each with its reason
	Image       bool          // the files are those of an image: steps that read live state are left out
}

// A Plan is what will run on one host, in order.
type Plan struct {
	Profiles []Source
	Steps    []Step
	LeftOut  []LeftOut
}

// A Source says which bytes a plan was made from.
type Source struct {
	Name   string `json:"name"`
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
}

// A LeftOut is a step that the profile has and this host's plan has not.
type LeftOut struct {
	Step   Step
	Reason string
}
