package procfs

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzParseStat(f *testing.F) {
	f.Add([]byte(sampleStat))
	f.Add([]byte("1 () R"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseStat(b)
		if err == nil && (s.CPU < 0 || s.Start < 0 || !strings.Contains(string(b), "("+s.Comm+")")) {
			t.Errorf("%q is %+v", b, s)
		}
	})
}

func FuzzParseStatus(f *testing.F) {
	f.Add([]byte("Tgid:\t7\nPid:\t7\nUid:\t0\t1\t2\t3\nVmRSS:\t 1 kB\nGroups:\t1 2\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseStatus(b)
		if err == nil && (s.PID == 0 || s.TGID == 0 || len(s.Groups) > maxGroups) {
			t.Errorf("%q is %+v", b, s)
		}
		capNames(s.CapEff, s.CapBnd)
	})
}

func FuzzParseMaps(f *testing.F) {
	f.Add([]byte("55d0d000-55d0e000 r-xp 00001000 fe:00 1311    /usr/bin/cat (deleted)\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		seen := map[string]bool{}
		for _, m := range ParseMaps(b) {
			if !strings.HasPrefix(m.Path, "/") || seen[m.Path] {
				t.Errorf("%q has %+v", b, m)
			}
			seen[m.Path] = true
			OddPlace(m.Path)
			SystemPlace(m.Path)
		}
	})
}

func FuzzParseCgroup(f *testing.F) {
	f.Add([]byte("0::/system.slice/docker-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := ParseCgroup(b)
		if !strings.Contains(string(b), c.Container) || (c.Container == "") != (c.Runtime == "") {
			t.Errorf("%q is %+v", b, c)
		}
	})
}

func FuzzParseEnviron(f *testing.F) {
	f.Add([]byte("LD_PRELOAD=/a.so\x00SECRET=x\x00HISTFILE=\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got := ParseEnviron(b)
		if len(got) > len(keptEnviron) {
			t.Errorf("%q gives %q", b, got)
		}
		for name, value := range got {
			if !strings.Contains("\x00"+string(b), "\x00"+name+"="+value) {
				t.Errorf("%q has no %s=%s", b, name, value)
			}
		}
		for _, arg := range ParseCmdline(b) {
			if strings.Contains(arg, "\x00") {
				t.Errorf("%q has an argument %q", b, arg)
			}
		}
	})
}

func FuzzSockets(f *testing.F) {
	f.Add(sampleNet)
	f.Add("0000000000000000: 00000002 00000000 00010000 0001 01 21000 /run/a b.sock")
	f.Add("0000000000000000 3      3    0003   2     1 0      0      4711")
	f.Add("ffff 0 2 10 3 5000 0 424242 127.0.0.1")
	f.Add("a b 2 1 3 4 5 0 0 9 1 5000 6000 127.0.0.1 <-> *10.0.0.1")
	f.Fuzz(func(t *testing.T, line string) {
		for _, l := range socketLists {
			s, ok := l.parse(l.family, line)
			if ok && s.Family != l.family {
				t.Errorf("%s: %q is %+v", l.family, line, s)
			}
			if ok && l.family == "unix" && s.Local != "" && !strings.HasSuffix(line, s.Local) {
				t.Errorf("%q has the path %q", line, s.Local)
			}
		}
	})
}

func FuzzParseModules(f *testing.F) {
	f.Add([]byte("nf_nat 49152 2 xt_nat,nft_nat, Live 0x0000000000000000 (OE)\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, m := range ParseModules(b) {
			if m.Name == "" || !m.InProc || strings.ContainsAny(m.Name, " \t\n") {
				t.Errorf("%q has %+v", b, m)
			}
		}
		moduleTag(string(b))
		DecodeTaint(uint64(len(b)))
	})
}

func FuzzKernelLists(f *testing.F) {
	f.Add("36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 - ext3 /dev/root rw")
	f.Add("/swap file 1 2 -2")
	f.Add("ffffffffc0a0  k  vfs_read+0x0  evil  [FTRACE]")
	f.Add("enabled\ninterpreter /x\nflags: C")
	f.Add("eth0\t0002A8C0\t0102A8C0\t0003\t0\t0\t100\t00FFFFFF\t0\t0\t0")
	f.Fuzz(func(t *testing.T, text string) {
		for _, m := range ParseMountinfo([]byte(text)) {
			if m.Path == "" || m.Type == "" {
				t.Errorf("%q has %+v", text, m)
			}
		}
		for _, s := range ParseSwaps([]byte(text)) {
			if s.Size > 1<<62 || s.Path == "" {
				t.Errorf("%q has %+v", text, s)
			}
		}
		if b, ok := ParseBinfmt("x", []byte(text)); ok && !strings.Contains(text, b.Interpreter) {
			t.Errorf("%q has the interpreter %q", text, b.Interpreter)
		}
		if h, ok := parseKprobe(text); ok && h.Function == "" {
			t.Errorf("%q hooks nothing", text)
		}
		if h, ok := parseFtrace(text); ok && utf8.ValidString(text) && !strings.HasPrefix(text, h.Function) {
			t.Errorf("%q hooks %q", text, h.Function)
		}
		for _, parse := range []func(string) (Route, bool){parseRoute, parseRoute6} {
			if r, ok := parse(text); ok && !strings.Contains(r.Destination, "/") {
				t.Errorf("%q leads to %q", text, r.Destination)
			}
		}
		if n, ok := parseNeighbour(text); ok && n.Address == "" {
			t.Errorf("%q has no address", text)
		}
		hidepid(ParseMountinfo([]byte(text)))
		bootTime(text)
		taintText(text)
	})
}
