package anomaly

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
)

// A File is what a walk knows of one thing in a file system.
type File struct {
	Path   string // absolute, byte for byte, no symbolic link in it
	Mode   fs.FileMode
	UID    uint32
	GID    uint32
	Size   int64
	Change time.Time // ctime: also set by chmod, and by no program at will

	Reachable  bool   // every user may enter the directories above it
	NoOwner    string // "no account has uid 1234", or a group; empty if both exist
	ParentLost bool   // the directory above has no owner either
	Capability string // as getcap prints it
	Immutable  bool
	AppendOnly bool
	ELF        bool
	Script     bool // begins with #!

	Database bool // the host has a package database that could be read
	Package  string
	Packaged bool
	Checked  bool      // the digest was compared with the package's
	Intact   bool      // and is the same
	Config   bool      // the package means it to be changed
	Digest   string    // as found, with its algorithm
	Wanted   string    // as the package has it
	Placed   time.Time // when the package's files came to this host; zero if not known
	Modes    bool      // the package says which rights the file has
	SetID    bool      // it says that the file is set-id
	Caps     bool      // it says that the file has capabilities

	ParentPackaged bool // of a directory: a package has the one above
}

// settled is how long after the files of a package came a package's own scripts may still change them.
const settled = time.Hour

// intact reports whether the file is what its package brought, as far as that is known.
func (f File) intact() bool { return f.Packaged && (!f.Checked || f.Intact) }

// changedLater reports whether the file's rights, or the file, were changed after its package was there.
func (f File) changedLater() bool {
	return !f.Placed.IsZero() && f.Change.After(f.Placed.Add(settled))
}

// The places that file rules tell apart.
var (
	tempPlaces   = []string{"/tmp/", "/var/tmp/", "/dev/shm/"}
	systemPlaces = []string{"/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/usr/", "/etc/", "/boot/"}
	// programPlaces are where a shell looks for programs.
	programPlaces = []string{"/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/"}

	devices = "/dev/"
	shared  = "/dev/shm/"
)

func within(p string, places []string) bool {
	return slices.ContainsFunc(places, func(place string) bool { return strings.HasPrefix(p, place) })
}

// at is the evidence that every finding about a file has.
func (f File) at(r Rule, severity Severity, text string, pairs ...string) (Finding, bool) {
	r.Severity = severity
	pairs = append(pairs, "path", f.Path, "mode", f.Mode.String(), "owner", fmt.Sprintf("%d:%d", f.UID, f.GID), "package", f.Package)
	return r.In(-1, text, pairs...), true
}

var suidOdd = Rule{
	ID: "file-suid-odd", Severity: Medium, Attack: []string{"T1548.001"},
	Means: "A program runs with its owner's or group's rights, whoever starts it, and no package brought it so.",
	Honest: "Software that was installed without a package (a sandbox helper, a monitoring agent), or an administrator's chmod. High only in places " +
		"for temporary files, and of root's in homes. Low where other users can't reach the file, as in the layers of containers. A packaged file is " +
		"reported when its rights were changed more than an hour after its package came, or when it is not what the package brought.",
}

// SetID judges a regular file that is set-user-id or set-group-id.
func SetID(f File) (Finding, bool) {
	if !f.Mode.IsRegular() || f.Mode&(fs.ModeSetuid|fs.ModeSetgid) == 0 || f.Mode.Perm()&0o111 == 0 {
		return Finding{}, false
	}
	root := f.Mode&fs.ModeSetuid != 0 && f.UID == 0
	switch {
	case within(f.Path, tempPlaces), root && strings.HasPrefix(f.Path, "/home/"):
		return f.at(suidOdd, High, fmt.Sprintf("%s is set-id, where programs do not belong", f.Path))
	case f.Packaged && f.Modes && !f.SetID:
		return f.at(suidOdd, Medium, fmt.Sprintf("%s is set-id, and its package %s brought it without", f.Path, f.Package))
	case f.intact() && (f.Modes || !f.changedLater()):
		return Finding{}, false
	case f.intact():
		return f.at(suidOdd, Medium, fmt.Sprintf("%s of the package %s is set-id, and was changed after the package came", f.Path, f.Package),
			"ctime", f.Change.UTC().Format(time.RFC3339))
	case !f.Reachable:
		return f.at(suidOdd, Low, fmt.Sprintf("%s is set-id, from no package, where other users can't reach it", f.Path))
	case !f.Database && within(f.Path, systemPlaces):
		return Finding{}, false // nothing to hold it against
	}
	return f.at(suidOdd, Medium, fmt.Sprintf("%s is set-id, and not as a package brought it", f.Path))
}

var capabilityOdd = Rule{
	ID: "file-capability-odd", Severity: Medium, Attack: []string{"T1548.001"},
	Means: "A program gets rights of root's when it starts, without being set-user-id, and no package brought it so.",
	Honest: "setcap by an administrator, so that a service may listen on a low port. Packages of Debian set capabilities in their own scripts: so a packaged " +
		"file is reported only if it was changed more than an hour after its package came. High only in places for temporary files.",
}

// Capability judges a file that has capabilities.
func Capability(f File) (Finding, bool) {
	if f.Capability == "" {
		return Finding{}, false
	}
	text := fmt.Sprintf("%s has %s", f.Path, f.Capability)
	switch {
	case within(f.Path, tempPlaces):
		return f.at(capabilityOdd, High, text+", where programs do not belong", "capability", f.Capability)
	case f.intact() && f.Modes && f.Caps, f.intact() && !f.Modes && !f.changedLater():
		return Finding{}, false
	case !f.Reachable:
		return f.at(capabilityOdd, Low, text+", where other users can't reach it", "capability", f.Capability)
	}
	return f.at(capabilityOdd, Medium, text+", and not as a package brought it", "capability", f.Capability)
}

var immutableFile = Rule{
	ID: "file-immutable", Severity: Medium, Attack: []string{"T1222.002"},
	Means: "Not even root can change or remove this before it lifts a mark: what wants to stay marks itself so.",
	Honest: "chattr +i by an administrator, mostly on /etc/resolv.conf or on settings that a tool would overwrite; hosting panels do it to whole folders. Low for the " +
		"append-only mark, which is put on logs.",
}

// Immutable judges a file or directory that is marked immutable or append-only.
func Immutable(f File) (Finding, bool) {
	switch {
	case f.Immutable:
		return f.at(immutableFile, Medium, f.Path+" is marked immutable")
	case f.AppendOnly:
		return f.at(immutableFile, Low, f.Path+" is marked append-only")
	}
	return Finding{}, false
}

var noOwner = Rule{
	ID: "file-no-owner", Severity: Low, Attack: []string{"T1136", "T1105"},
	Means: "The owner or group is no account of this host: it was unpacked from an archive, or the account was removed.",
	Honest: "Archives unpacked by root, layers of containers, volumes from another host, accounts of a directory service that only the service knows. " +
		"Ids that /etc/subuid and /etc/subgid lend, and those of systemd's dynamic users, are not reported. Only the topmost of a folder is.",
}

// NoOwner judges what belongs to nobody.
func NoOwner(f File) (Finding, bool) {
	if f.NoOwner == "" || f.ParentLost {
		return Finding{}, false
	}
	return f.at(noOwner, Low, f.Path+": "+f.NoOwner)
}

var hiddenDirectory = Rule{
	ID: "directory-hidden-odd", Severity: Medium, Attack: []string{"T1564.001"},
	Means: "A hidden directory stands where only the system's own files belong, and no package brought it.",
	Honest: "etckeeper's /etc/.git, /etc/skel copies, and software that was installed without a package. Low inside folders that no package has, and in places for temporary " +
		"files; there the sticky directories of root's, as /tmp/.X11-unix, are not reported.",
}

// HiddenDirectory judges a directory whose name begins with a dot.
func HiddenDirectory(f File) (Finding, bool) {
	if !f.Mode.IsDir() || !strings.HasPrefix(path.Base(f.Path), ".") || f.Packaged || onlyDots(path.Base(f.Path)) {
		return Finding{}, false
	}
	text := f.Path + " is a hidden directory"
	switch {
	case within(f.Path, tempPlaces):
		if path.Base(path.Dir(f.Path)) != "tmp" && path.Dir(f.Path)+"/" != shared || f.UID == 0 && f.Mode&fs.ModeSticky != 0 {
			return Finding{}, false
		}
		return f.at(hiddenDirectory, Low, text+" in a place for temporary files")
	case strings.HasPrefix(f.Path, devices):
		return f.at(hiddenDirectory, Medium, text+" among the devices")
	case !within(f.Path, systemPlaces):
		return Finding{}, false
	case f.ParentPackaged || strings.Count(f.Path, "/") <= 2:
		return f.at(hiddenDirectory, Medium, text+" among the system's files")
	}
	return f.at(hiddenDirectory, Low, text+" in a folder that no package has")
}

var nameOdd = Rule{
	ID: "file-name-odd", Severity: High, Attack: []string{"T1564.001", "T1036.005"},
	Means: "A name of nothing but dots and blanks, or with characters that can't be seen, is made to be overlooked in a listing.",
	Honest: "No program makes names of dots and blanks. Names that begin or end with a blank, or hold a control character, come from mistyped commands and from " +
		"files of other systems, and are low; those that change the direction of text are medium.",
}

// OddName judges a name.
func OddName(f File) (Finding, bool) {
	name := path.Base(f.Path)
	quoted := fmt.Sprintf("%q in %s", name, path.Dir(f.Path))
	switch {
	case onlyDots(name):
		return f.at(nameOdd, High, quoted+" is a name of dots and blanks")
	case strings.ContainsFunc(name, turnsText):
		return f.at(nameOdd, Medium, quoted+" has characters that change how it is shown")
	case strings.ContainsFunc(name, unicode.IsControl):
		return f.at(nameOdd, Low, quoted+" has control characters")
	case strings.HasPrefix(name, " "), strings.HasSuffix(name, " "), strings.HasPrefix(name, ".. "):
		return f.at(nameOdd, Low, quoted+" begins or ends with a blank")
	}
	return Finding{}, false
}

// onlyDots reports whether a name has nothing but dots and blanks.
func onlyDots(name string) bool {
	return name != "" && name != "/" && name != "." && strings.Trim(name, ". \t\u00a0\u2002\u2003\u200b\u3000") == ""
}

// turnsText finds the characters that turn the direction of text.
func turnsText(r rune) bool { return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 }

var elfOdd = Rule{
	ID: "file-elf-odd", Severity: Medium, Attack: []string{"T1105", "T1036.008"},
	Means: "A program for the machine stands where programs do not belong, or under the name of a document.",
	Honest: "Builds in /tmp, and Java services that unpack their native libraries there (low if it has no right to be executed). Test data may have any name. High among the " +
		"devices, where nothing that is installed puts a program.",
}

// ELFOdd judges a file with the magic of ELF.
func ELFOdd(f File) (Finding, bool) {
	if !f.ELF || f.intact() && f.Packaged {
		return Finding{}, false
	}
	runs := f.Mode.Perm()&0o111 != 0
	name := path.Base(f.Path)
	switch {
	case strings.HasPrefix(f.Path, devices):
		return f.at(elfOdd, High, f.Path+" is a program among the devices", "sha256", f.Digest)
	case within(f.Path, tempPlaces):
		severity := Low
		if runs || hiddenPart(f.Path) {
			severity = Medium
		}
		return f.at(elfOdd, severity, f.Path+" is a program in a place for temporary files", "sha256", f.Digest)
	case hiddenPart(f.Path) && within(f.Path, systemPlaces):
		return f.at(elfOdd, Medium, f.Path+" is a hidden program among the system's files", "sha256", f.Digest)
	case slices.Contains(documents, strings.ToLower(path.Ext(name))) && path.Ext(name) != name:
		severity := Low
		if runs {
			severity = Medium
		}
		return f.at(elfOdd, severity, f.Path+" is a program under the name of a document", "sha256", f.Digest)
	}
	return Finding{}, false
}

// documents are endings of what is read, not run.
var documents = []string{
	".txt", ".md", ".log", ".conf", ".cfg", ".ini", ".xml", ".json", ".yml", ".yaml", ".csv", ".htm", ".html", ".css", ".pdf", ".doc", ".docx", ".xls",
	".xlsx", ".ppt", ".jpg", ".jpeg", ".png", ".gif", ".bmp", ".ico", ".svg", ".mp3", ".mp4", ".ttf", ".woff", ".gz", ".zip", ".tar", ".bak",
}

// hiddenPart reports whether a part of the path begins with a dot.
func hiddenPart(p string) bool { return strings.Contains(p, "/.") }

var worldWritable = Rule{
	ID: "directory-world-writable", Severity: Low, Attack: []string{"T1222.002"},
	Means: "Every user may put files here, and remove those of others.",
	Honest: "Exchange folders and careless installers. Medium among the system's files, where it lets any user replace what root runs. Not reported where other users can't " +
		"reach it.",
}

// WorldWritable judges a directory that everybody may write to, without the sticky bit.
func WorldWritable(f File) (Finding, bool) {
	if !f.Mode.IsDir() || f.Mode&0o002 == 0 || f.Mode&fs.ModeSticky != 0 || !f.Reachable {
		return Finding{}, false
	}
	if within(f.Path, systemPlaces) {
		return f.at(worldWritable, Medium, f.Path+" can be written by everybody, among the system's files")
	}
	return f.at(worldWritable, Low, f.Path+" can be written by everybody")
}

var packageDigest = Rule{
	ID: "package-digest", Severity: High, Attack: []string{"T1554"},
	Means: "A program or library is not the one that its package brought.",
	Honest: "A program that was rebuilt or patched in its place; very old systems prelink libraries. Scripts outside the folders of programs are medium, since pip and npm " +
		"renew theirs in the folders of packages. Files that are no programs are info. The digests are the host's own: one who replaces them too is not found so.",
}

// PackageDigest judges a file whose digest was compared with that of its package.
func PackageDigest(f File) (Finding, bool) {
	if !f.Checked || f.Intact || f.Config {
		return Finding{}, false
	}
	severity := Info
	switch runs := f.Mode.Perm()&0o111 != 0; {
	case f.ELF, runs && within(f.Path, programPlaces):
		severity = High
	case runs:
		severity = Medium
	}
	return f.at(packageDigest, severity, fmt.Sprintf("%s is not as the package %s brought it", f.Path, f.Package), "digest", f.Digest, "expected", f.Wanted)
}

var keysOdd = Rule{
	ID: "ssh-keys-odd-place", Severity: Medium, Attack: []string{"T1098.004"},
	Means: "A list of keys that may log in lies outside the homes of accounts: sshd may have been told to read it, or an account's home was moved.",
	Honest: "AuthorizedKeysFile in sshd_config may name any place, and backups hold copies of homes; those where other users can't reach them, and below /etc/ssh, are not " +
		"reported. Medium among the system's files and in places for temporary files, low elsewhere.",
}

// KeysOdd judges a list of ssh keys, with the homes of the accounts.
func KeysOdd(f File, home func(string) bool) (Finding, bool) {
	dir := path.Dir(f.Path)
	if !f.Mode.IsRegular() || f.Packaged || strings.HasPrefix(f.Path, "/etc/ssh/") {
		return Finding{}, false
	}
	if within(f.Path, tempPlaces) || within(f.Path, systemPlaces) { // also where an account has its home there, as bin has in /bin
		return f.at(keysOdd, Medium, f.Path+" is a list of keys outside the homes of people")
	}
	if !f.Reachable || path.Base(dir) == ".ssh" && home(path.Dir(dir)) {
		return Finding{}, false
	}
	return f.at(keysOdd, Low, f.Path+" is a list of keys outside the homes of accounts")
}

var deviceFile = Rule{
	ID: "device-file-odd", Severity: Medium, Attack: []string{"T1564.001"},
	Means:  "A regular file lies among the devices, where it is lost with the next start and seldom looked for.",
	Honest: "A redirection to a mistyped device, such as /dev/nul. Shared memory below /dev/shm is not reported.",
}

// DeviceFile judges a regular file in /dev.
func DeviceFile(f File) (Finding, bool) {
	if !f.Mode.IsRegular() || !strings.HasPrefix(f.Path, devices) || strings.HasPrefix(f.Path, shared) {
		return Finding{}, false
	}
	return f.at(deviceFile, Medium, f.Path+" is a regular file among the devices")
}

// fileRules are the rules about files.
var fileRules = []*Rule{
	&suidOdd, &capabilityOdd, &immutableFile, &noOwner, &hiddenDirectory, &nameOdd, &elfOdd, &worldWritable, &packageDigest, &keysOdd, &deviceFile,
}
