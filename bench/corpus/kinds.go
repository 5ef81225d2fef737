package corpus

import (
	"fmt"
	"strings"
	"time"
)

// A kind is one log. Its lines are made from templates, in which <word> is a field that is drawn anew for every line.
type kind struct {
	name  string
	share int           // of the corpus, in percent
	pace  time.Duration // between two lines, in the mean
	lines []string
	clues []string // the lines that carry an indicator
	bare  bool     // the clues hold a bare address and nothing else
	json  bool
}

var kinds = []kind{
	{
		name: "syslog", share: 18, pace: 200 * time.Millisecond,
		lines: []string{
			`<stamp> <machine> systemd[1]: Started Session <num> of User <user>.`,
			`<stamp> <machine> systemd[1]: session-<num>.scope: Deactivated successfully.`,
			`<stamp> <machine> named[<pid>]: client @0x7f<hex10> <lan>#<port> (<name>): query: <name> IN A +E(0)K (<lan>)`,
			`<stamp> <machine> unbound[<pid>]: info: <lan> <name>. AAAA IN`,
			`<stamp> <machine> kernel: nft-drop IN=ens5 OUT= SRC=<addr> DST=<lan> LEN=<num> TTL=<num> PROTO=TCP SPT=<port> DPT=<service> SYN`,
			`<stamp> <machine> CRON[<pid>]: (<user>) CMD (test -x /usr/sbin/anacron || run-parts /etc/cron.daily)`,
			`<stamp> <machine> containerd[<pid>]: time="<rfc3339>" level=info msg="shim disconnected" id=<hex64> namespace=k8s.io`,
			`<stamp> <machine> postfix/smtpd[<pid>]: connect from <machine>.<name>[<addr>]`,
			`<stamp> <machine> haproxy[<pid>]: <addr>:<port> [<clf>] https~ app/<machine> 0/0/1/<num>/<num> 200 <num> - - ---- 41/41/0/0/0 0/0 "GET <page> HTTP/1.1"`,
		},
		clues: []string{
			`<stamp> <machine> squid[<pid>]: TCP_TUNNEL/200 <num> CONNECT <clue> <user> HIER_DIRECT`,
			`<stamp> <machine> clamd[<pid>]: quarantined "<clue>" of <user>`,
			`<stamp> <machine> pwsh[<pid>]: started by <user> with -EncodedCommand <base64clue>`,
		},
	},
	{
		name: "auth", share: 12, pace: 500 * time.Millisecond,
		lines: []string{
			`<stamp> <machine> sshd[<pid>]: Failed password for invalid user <user> from <addr> port <port> ssh2`,
			`<stamp> <machine> sshd[<pid>]: Failed password for root from <addr> port <port> ssh2`,
			`<stamp> <machine> sshd[<pid>]: Invalid user <user> from <addr> port <port>`,
			`<stamp> <machine> sshd[<pid>]: Disconnected from authenticating user root <addr> port <port> [preauth]`,
			`<stamp> <machine> sshd[<pid>]: Accepted publickey for <user> from <lan> port <port> ssh2: ED25519 SHA256:<base64>`,
			`<stamp> <machine> sudo:   <user> : TTY=pts/0 ; PWD=/home/<user> ; USER=root ; COMMAND=/usr/bin/systemctl restart nginx`,
			`<stamp> <machine> sshd[<pid>]: pam_unix(sshd:session): session opened for user <user>(uid=<num>) by (uid=0)`,
		},
		clues: []string{
			`<stamp> <machine> sshd[<pid>]: Failed password for root from <clue> port <port> ssh2`,
			`<stamp> <machine> sudo:   <user> : TTY=pts/1 ; PWD=/tmp ; USER=root ; COMMAND=/usr/bin/wget <clue>`,
		},
	},
	{
		name: "nginx", share: 24, pace: 60 * time.Millisecond,
		lines: []string{
			`<addr> - - [<clf>] "GET <page> HTTP/1.1" 200 <size> "-" "<agent>"`,
			`<addr> - - [<clf>] "GET <page> HTTP/1.1" 200 <size> "https://<name><page>" "<agent>"`,
			`<addr> - - [<clf>] "GET <page>?q=<num>&page=<num> HTTP/2.0" 200 <size> "https://<name>/" "<agent>"`,
			`<addr> - - [<clf>] "POST <page> HTTP/1.1" 302 <size> "-" "<agent>"`,
			`<addr> - <user> [<clf>] "GET <page> HTTP/1.1" 404 <size> "-" "<agent>"`,
			`<lan> - - [<clf>] "GET /healthz HTTP/1.1" 200 2 "-" "ELB-HealthChecker/2.0"`,
		},
		clues: []string{
			`<clue> - - [<clf>] "GET <page> HTTP/1.1" 200 <size> "-" "<agent>"`,
			`<addr> - - [<clf>] "GET /go?to=<clue> HTTP/1.1" 302 <size> "-" "<agent>"`,
			`<addr> - - [<clf>] "GET <page> HTTP/1.1" 200 <size> "<clue>" "<agent>"`,
		},
	},
	{
		name: "vpcflow", share: 14, pace: 40 * time.Millisecond, bare: true,
		lines: []string{
			`2 210987654321 eni-0<hex10>5f1a3c7 <addr> <lan> <port> <service> 6 <num> <size> <unix> <unix> ACCEPT OK`,
			`2 210987654321 eni-0<hex10>5f1a3c7 <lan> <addr> <service> <port> 6 <num> <size> <unix> <unix> ACCEPT OK`,
			`2 210987654321 eni-0<hex10>5f1a3c7 <lan> <lan> <port> <service> 17 <num> <size> <unix> <unix> ACCEPT OK`,
			`2 210987654321 eni-0<hex10>5f1a3c7 <rare> <lan> <port> <service> 6 1 <num> <unix> <unix> REJECT OK`,
		},
		clues: []string{
			`2 210987654321 eni-0<hex10>5f1a3c7 <clue> <lan> <port> <service> 6 <num> <size> <unix> <unix> ACCEPT OK`,
			`2 210987654321 eni-0<hex10>5f1a3c7 <lan> <clue> <service> <port> 6 <num> <size> <unix> <unix> ACCEPT OK`,
		},
	},
	{
		name: "cloudtrail", share: 18, pace: 120 * time.Millisecond, json: true,
		lines: []string{
			trail(`s3.amazonaws.com`, `GetObject`, `<addr>`, `<agent>`, `{"bucketName":"<user>-data","key":"<hex10>/<hex32>.json"}`),
			trail(`s3.amazonaws.com`, `PutObject`, `<lan>`, `aws-sdk-java/2.29.1`, `{"bucketName":"<user>-data","key":"<hex32>"}`),
			trail(`sts.amazonaws.com`, `AssumeRole`, `<addr>`, `Boto3/1.35.71`, `{"roleArn":"arn:aws:iam::210987654321:role/<user>","roleSessionName":"<user>"}`),
			trail(`ec2.amazonaws.com`, `DescribeInstances`, `<addr>`, `console.amazonaws.com`, `{"instancesSet":{},"filterSet":{}}`),
		},
		clues: []string{
			trail(`ec2.amazonaws.com`, `RunInstances`, `<clue>`, `<agent>`, `{"imageId":"ami-0<hex10>"}`),
			trail(`ssm.amazonaws.com`, `SendCommand`, `<addr>`, `<agent>`, `{"parameters":{"commands":["curl <clue>"]}}`),
		},
	},
	{
		name: "auditd", share: 10, pace: 50 * time.Millisecond,
		lines: []string{
			`type=SYSCALL msg=audit(<unix>.<num>:<num>): arch=c000003e syscall=59 success=yes exit=0 a0=55<hex10> a1=55<hex10> a2=55<hex10> a3=8 items=2 ppid=<pid> pid=<pid> auid=1000 uid=0 gid=0 euid=0 tty=(none) ses=<num> comm="<tool>" exe="/usr/bin/<tool>" subj=unconfined key="exec"`,
			`type=PATH msg=audit(<unix>.<num>:<num>): item=0 name="/usr/bin/<tool>" inode=<num> dev=103:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL`,
			`type=PROCTITLE msg=audit(<unix>.<num>:<num>): proctitle=<hexpage>`,
			`type=EXECVE msg=audit(<unix>.<num>:<num>): argc=2 a0="<tool>" a1="<page>"`,
			`type=USER_LOGIN msg=audit(<unix>.<num>:<num>): pid=<pid> uid=0 auid=4294967295 ses=4294967295 msg='op=login acct="<user>" exe="/usr/sbin/sshd" hostname=? addr=<addr> terminal=ssh res=failed'`,
		},
		clues: []string{
			`type=EXECVE msg=audit(<unix>.<num>:<num>): argc=3 a0="<tool>" a1="-s" a2="<clue>"`,
			`type=PROCTITLE msg=audit(<unix>.<num>:<num>): proctitle=<hexclue>`,
		},
	},
	{
		name: "iis", share: 4, pace: 90 * time.Millisecond,
		lines: []string{
			`<w3c> <lan> GET <page> - 443 - <addr> Mozilla/5.0+(Windows+NT+10.0;+Win64;+x64) https://<name>/ 200 0 0 <num>`,
			`<w3c> <lan> POST <page> id=<num> 443 <user> <addr> Mozilla/5.0+(X11;+Linux+x86_64;+rv:132.0)+Gecko/20100101+Firefox/132.0 - 200 0 0 <num>`,
			`<w3c> <lan> GET <page> - 80 - <addr> python-requests/2.32.3 - 404 0 2 <num>`,
		},
		clues: []string{
			`<w3c> <lan> GET <page> - 443 - <clue> python-requests/2.32.3 - 200 0 0 <num>`,
			`<w3c> <lan> GET /go to=<clue> 443 - <addr> python-requests/2.32.3 - 302 0 0 <num>`,
		},
	},
}

// trail is the record of a call to AWS.
func trail(service, call, source, agent, parameters string) string {
	return `{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROA<HEX16>:<user>","arn":"arn:aws:sts::210987654321:assumed-role/deploy/<user>","accountId":"210987654321","accessKeyId":"ASIA<HEX16>"},` +
		`"eventTime":"<rfc3339>","eventSource":"` + service + `","eventName":"` + call + `","awsRegion":"eu-central-1","sourceIPAddress":"` + source + `","userAgent":"` + agent + `","requestParameters":` + parameters +
		`,"responseElements":null,"requestID":"<HEX16>","eventID":"<uuid>","readOnly":false,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"210987654321","eventCategory":"Management"}`
}

// A template is what a line is made of: fixed texts, each followed by a field but the last.
type template struct {
	texts  []string
	fields []field
}

func compile(lines []string) ([]template, error) {
	var out []template
	for _, line := range lines {
		var t template
		for {
			text, rest, found := strings.Cut(line, "<")
			t.texts = append(t.texts, text)
			if !found {
				break
			}
			name, after, _ := strings.Cut(rest, ">")
			f := fields[name]
			if f == nil {
				return nil, fmt.Errorf("no field is called %q", name)
			}
			t.fields = append(t.fields, f)
			line = after
		}
		out = append(out, t)
	}
	return out, nil
}

// render appends a line, with its newline.
func (t *template) render(m *maker, b []byte) []byte {
	for i, f := range t.fields {
		b = append(b, t.texts[i]...)
		b = f(m, b)
	}
	b = append(b, t.texts[len(t.texts)-1]...)
	return append(b, '\n')
}
