package host

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	lockPatience = time.Second
	lockPause    = 100 * time.Millisecond
	maxSays      = 512 // bytes of what another run says
)

// lock is a socket without a file: it works on a read-only root, leaves nothing behind, and the kernel tells who holds it.
func lock(name, says string) (func(), error) {
	addr := &net.UnixAddr{Name: "@" + name, Net: "unix"}
	l, err := net.ListenUnix("unix", addr)
	for range 3 { // a run that is just starting, or ending, does not answer
		if !errors.Is(err, unix.EADDRINUSE) {
			break
		}
		held := askHolder(addr)
		if busy := (*Busy)(nil); errors.As(held, &busy) {
			return nil, held
		}
		time.Sleep(lockPause)
		if l, err = net.ListenUnix("unix", addr); err != nil && errors.Is(err, unix.EADDRINUSE) {
			err = fmt.Errorf("%w (%w)", held, err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("locking the host for one run: %w", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.AcceptUnix()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(lockPatience))
			_, _ = io.WriteString(c, says) // whoever asks may have gone
			_ = c.Close()
		}
	}()
	return func() { _ = l.Close(); <-done }, nil
}

// askHolder asks the run that holds the lock who it is. Only root and our own account can be busy: who doesn't answer, or is somebody else,
// squats.
func askHolder(addr *net.UnixAddr) error {
	c, err := net.DialUnix("unix", nil, addr)
	if err != nil {
		return fmt.Errorf("%w: it does not answer: %w", ErrSquatted, err)
	}
	defer func() { _ = c.Close() }()
	cred, err := peer(c)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSquatted, err)
	}
	if cred.Uid != 0 && int(cred.Uid) != os.Geteuid() {
		return fmt.Errorf("%w: uid %d, pid %d", ErrSquatted, cred.Uid, cred.Pid)
	}
	_ = c.SetDeadline(time.Now().Add(lockPatience))
	b, _ := io.ReadAll(io.LimitReader(c, maxSays)) // what it says is a courtesy
	return &Busy{PID: int(cred.Pid), Says: strings.ToValidUTF8(string(b), "\uFFFD")}
}

func peer(c *net.UnixConn) (*unix.Ucred, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, unix.SO_PEERCRED)
	})
	return cred, errors.Join(err, credErr)
}
