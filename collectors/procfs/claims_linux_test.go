package procfs

import (
	"os"
	"os/exec"
	"testing"
)

// An interpreter that says it is a server is what bots in Perl are; one that runs under its own name is not.
func TestInterpreterThatSaysItIsAServer(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	for title, want := range map[string]string{"/usr/bin/env -x": "/usr/bin/env", sleep: "", "sleep": "", "/usr/sbin/no-such-server": ""} {
		cmd := exec.Command(sleep, "600")
		cmd.Args[0] = title
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		p, err := NewReader(New("/")).Process(cmd.Process.Pid)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if err != nil || p.Claims != want {
			t.Errorf("%q: claims %q, want %q (%v)", title, p.Claims, want, err)
		}
	}
	if _, err := os.Stat("/usr/bin/env"); err != nil {
		t.Error(err)
	}
}
