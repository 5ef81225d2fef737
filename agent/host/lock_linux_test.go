package host

import (
	"errors"
	"os"
	"testing"
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
