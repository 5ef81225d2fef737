package host

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSecondRunIsToldOfTheFirst(t *testing.T) {
	const name = "bellwether-test-of-the-lock"
	unlock, err := lock(name, "triage/web-01, since noon")
	if err != nil {
		t.Fatal(err)
	}
	_, err = lock(name, "second")
	busy := &Busy{}
	if !errors.As(err, &busy) || busy.PID != os.Getpid() || busy.Says != "triage/web-01, since noon" {
		t.Errorf("second run: %v", err)
	}
	unlock()
	again, err := lock(name, "third")
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	again()
}

// Whoever binds the name and does not answer is not a run, and keeps nobody from collecting.
func TestSquatterKeepsNobodyAway(t *testing.T) {
	const name = "bellwether-test-of-a-squatter"
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: "@" + name}); err != nil {
		t.Fatal(err)
	}
	_, err = lock(name, "ours")
	if busy := (*Busy)(nil); errors.As(err, &busy) || !errors.Is(err, ErrSquatted) {
		t.Errorf("lock: %v, want that it is squatted", err)
	}
}
