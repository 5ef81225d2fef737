package collectors

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// In a pid namespace whose /proc is that of its parent, the children that /proc lists for our number are other processes.
func TestStraysOfAnotherNamespaceAreLeft(t *testing.T) {
	const variable = "BELLWETHER_TEST_IN_NAMESPACE"
	if os.Getenv(variable) != "" {
		if got := children(); len(got) > 0 {
			t.Errorf("children in the /proc of another namespace: %+v", got)
		}
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("a pid namespace takes root")
	}
	c := exec.Command(os.Args[0], "-test.run=^TestStraysOfAnotherNamespaceAreLeft$", "-test.v")
	c.Env = append(os.Environ(), variable+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("%v\n%s", err, out)
	}
}
