package main

// A helpText is what --help says of a command.
type helpText struct{ short, long, example string }

// help has the words of each command, by its name.
var help = map[string]helpText{
	"bellwether": {
		"Triage a host that is under suspicion",
		`bellwether runs a profile of commands, copies logs and other evidence, scans every byte for indicators on the way, and keeps the
result as a case: a folder on this host, or objects in a bucket. It changes nothing on the host but the folder that it writes.

Exit codes:
` + exitTable(),
		`  sudo bellwether collect --incident IR-2026-014
  bellwether scan --iocs indicators.txt /var/log`,
	},
	"collect": {
		"Collect evidence from this host into a case",
		`Without flags it runs the built-in profile of this system and writes the case below ./triage. Use --incident to name the
investigation and --to to send the case elsewhere. The summary's first and last line hold the verdict and the seal, which proves the
case later: keep it.

With --to s3://… or azblob://… nothing is written to this host's disk. Credentials for S3 come from --s3-credentials, from AWS_ACCESS_KEY_ID
and AWS_SECRET_ACCESS_KEY, or from the role of the instance, in this order; the right to s3:PutObject is enough. For Azure they are a SAS
token (--azure-sas, AZURE_STORAGE_SAS_TOKEN; create is enough), or the managed identity. --to @FILE needs none: the file holds what
bellwether presign, or the owner of the bucket, has signed. docs/deliver.md has the policies. With several --to each gets everything.

Nothing is asked while it runs; an interrupt (Ctrl-C) ends it and keeps what was collected.`,
		`  sudo bellwether collect --incident IR-7 --iocs indicators.txt
  sudo bellwether collect --incident IR-7 --to s3://evidence/2026 --s3-region eu-west-1
  sudo bellwether collect --incident IR-7 --to azblob://account/evidence/IR-7 --azure-sas sas.txt --to /mnt/usb
  sudo bellwether collect --incident IR-7 --to @policy.json
  bellwether collect --root /mnt/image --to ./cases --since 14d`,
	},
	"plan": {
		"Show what collect would do here, with sizes",
		`It reads no content and runs no command: it names the commands, and the files with their sizes.`,
		`  bellwether plan
  bellwether plan --profile my-app.yaml --json`,
	},
	"profiles": {
		"List, show and check profiles",
		`A profile is a YAML file that says what to collect. docs/profiles.md explains how to write one.`,
		`  bellwether profiles list
  bellwether profiles show linux-triage > mine.yaml
  bellwether profiles check mine.yaml`,
	},
	"list": {"List the built-in profiles", `The one that collect uses here without --profile is marked.`, `  bellwether profiles list`},
	"show": {
		"Print a built-in profile as it is",
		`The text is a good beginning for a profile of your own.`,
		`  bellwether profiles show linux-triage`,
	},
	"check": {
		"Check profiles without running them",
		`Every mistake is named with file, line and column. The exit code is 2 if there is one.`,
		`  bellwether profiles check mine.yaml`,
	},
	"scan": {
		"Look for indicators in files",
		`It prints path:line:text as grep -n does, for every line in which an indicator stands as a whole: 1.2.3.4 is not found in 11.2.3.45.
Folders are read whole, compressed files and archives as what they hold; - is standard input. Links are not followed below a folder.
s3://bucket/prefix and azblob://account/container/prefix are read from the store, so exported flow logs need no copy; so are lists.

Exit codes as grep's: 0 hits, 1 none, 2 an error, even if there were hits.`,
		`  bellwether scan --iocs indicators.txt /var/log
  bellwether scan --iocs indicators.txt -l incidents/IR-7
  bellwether scan --iocs feed.json --iocs more.csv --stats s3://flow-logs/AWSLogs/ --s3-region eu-west-1
  zcat export.gz | bellwether scan --iocs indicators.txt --json -`,
	},
	"verify": {
		"Check that a case is whole and unchanged",
		`It checks every file against the manifest, the manifest's chain, SHA256SUMS and its signature, and that nothing was added or removed:
in a folder, or in an archive without unpacking it. With --seal it proves that this is the case whose seal the run printed. Of an
encrypted case, only -i shows what it holds; without, the files are held against SHA256SUMS as they are stored.

The exit code is 0 only if all of that holds, 3 if the case was cut off and the rest is as it was, 1 if anything was changed.`,
		`  bellwether verify incidents/IR-7/web-01_20261122T150405Z --seal 3f0c…
  bellwether verify web-01_20261122T150405Z.zip.age -i key.txt`,
	},
	"open": {
		"Decrypt, check and unpack archives of cases",
		`Each archive is checked as verify does before anything is written, then unpacked into DIR/INCIDENT/CASE, so that all hosts of an
incident stand side by side; if DIR is called as the incident, it is that folder. Nothing is ever overwritten: a case that is there already must
be the same, and is completed where a file is missing. Encrypted folders are opened too, and archives that were cut off as far as they go.

The exit code is 3 if one was cut off, 1 if one could not be opened; the others are opened all the same.`,
		`  bellwether open web-01_20261122T150405Z.zip
  bellwether open *.zip.age -i key.txt -o IR-7`,
	},
	"doctor": {
		"Check privileges, clock, tools and destination",
		`It makes one real write to each destination: bellwether-doctor/HOST_TIME.txt, which stays there, and says which credentials it used.`,
		`  sudo bellwether doctor --to s3://evidence/2026 --s3-region eu-west-1`,
	},
	"presign": {
		"Sign a policy or a URL that lets a host without credentials deliver",
		`Run it where your credentials are, not on the host. It prints the form of a POST policy (JSON), with which any number of objects can
be made below the prefix, and nothing can be read, listed or deleted; with --one a presigned URL for exactly that object, which fails if it
exists. Bring it to the host in a file, and use it there with --to @FILE. It is a secret until it expires. No request is made.`,
		`  bellwether presign s3://evidence/IR-7 --expires 6h --s3-region eu-west-1 -o policy.json
  sudo bellwether collect --incident IR-7 --to @policy.json      (on the host)`,
	},
	"version": {"Print the version", `With the commit, the system and the Go release that it was built with.`, `  bellwether version`},
}

// flagHelp has the words of each flag. A word in back quotes names the value.
var flagHelp = map[string]string{
	"profile":          "`NAME` of a built-in profile, or a YAML file; may be given several times",
	"incident":         "`ID` of the investigation: the folder that groups hosts",
	"to":               "`DEST`ination: a directory, s3://bucket/prefix, azblob://account/container/prefix, or @FILE with a URL or policy that was signed for you; may be given several times (default: the current directory)",
	"iocs":             "`FILE` of indicators to look for, - for standard input; may be given several times",
	"lenient":          "an indicator that can't be read or would match nearly everything is a warning, not an error",
	"private":          "take indicators of private networks (10.0.0.0/8 …) too",
	"unflagged":        "take attributes of MISP too that are not marked for detection",
	"dashed":           "find IPv4 addresses in names of hosts too: ip-198-51-100-7",
	"iocs-format":      "`FORMAT` of the lists, where it isn't recognised: plain, csv, stix, misp, openioc, loki, yara",
	"iocs-type":        "`TYPE` of values whose list doesn't tell: ipv4, domain, md5, filename, string, regex …",
	"iocs-columns":     "columns of a CSV, by header or number: value=`NAME`,type=NAME,comment=NAME,score=NAME",
	"max-hits":         "list at most this many hits of each indicator, 0 for all; they are counted all the same",
	"stats":            "at the end, print files, bytes, speed and the hits of each indicator to stderr",
	"color":            "mark names, lines and indicators: auto, always, never (`WHEN`)",
	"since":            "only files and journal entries changed within this `AGE`: 36h, 14d, 2w",
	"max-bytes":        "keep at most this many bytes in all (`SIZE`)",
	"max-file":         "leave larger files alone (`SIZE`)",
	"min-free":         "free space to leave on the destination's volume: a percentage or a `SIZE`",
	"deadline":         "end the run after this time, with what was collected until then",
	"wait":             "wait this long for another run on this host to end, instead of refusing at once",
	"cpu":              "use at most this share of the processors (`PERCENT`)",
	"root":             "read files below `DIR` as if it were /; no commands run",
	"no-commands":      "run no commands",
	"json":             "print JSON for machines",
	"quiet":            "no progress on stderr",
	"fail-on-findings": "exit with 4 if there are findings",
	"archive":          "keep the case as one zip file, INCIDENT/CASE.zip",
	"encrypt-to":       "encrypt the case so that only this `RECIPIENT` can read it: age1…, ssh-ed25519 …, or a file of them; may be given several times",
	"identity":         "`FILE` with private keys of age, or a private key of ssh; may be given several times",
	"into":             "`DIR` to open into",
	"key":              "the key that the run printed, which signed SHA256SUMS (`KEY`)",
	"seal":             "the seal that the run printed (`HEX`)",
	"json-hits":        "print a JSON object for every hit",
	"list":             "print only the names of files with hits",
	"count":            "print the number of lines with hits for each file",
	"azure-sas":        "`FILE` with a SAS token for azblob:// (default: AZURE_STORAGE_SAS_TOKEN, or the managed identity)",
	"azure-key":        "`FILE` with the key of the storage account: the last resort, for it can do everything",
	"azure-endpoint":   "`URL` of a blob service other than the public cloud's",
	"s3-region":        "`REGION` of the bucket (default: AWS_REGION, or the instance's)",
	"s3-endpoint":      "`URL` of a store that speaks S3 but isn't AWS",
	"s3-credentials":   "`FILE` with credentials: AWS's own format, or what aws sts prints; - for standard input",
	"expires":          "how long it is good for, at most 7 days",
	"one":              "sign a URL for this one object, and no policy",
	"max-object":       "objects may have this size at most (`SIZE`)",
	"output":           "write it to `FILE`, which others can't read (default: standard output)",
	"s3-profile":       "`NAME` of the profile in the credentials file",
}
