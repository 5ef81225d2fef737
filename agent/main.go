// Command bellwether triages a host that is under suspicion: it runs a profile of commands, copies logs, scans every byte for indicators,
// and keeps what it found as a case that can be proved.
//
// Each subcommand has a file of its own. All words for people are in ui.go and help.go, the exit codes in exit.go.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// memoryLimit is the soft limit of the Go runtime, in bytes; with the binary's own pages it keeps the process below 64 MiB.
const memoryLimit = 44 << 20

func main() {
	debug.SetMemoryLimit(memoryLimit)
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}

// run carries out one command line and returns its exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	ctx, stop := interruptible()
	defer stop()
	u := &ui{in: stdin, out: stdout, err: stderr, getenv: getenv}
	cmd := newRootCommand(u)
	cmd.SetArgs(args)
	cmd.SetIn(stdin)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	return u.finish(cmd.ExecuteContext(ctx))
}

// interruptible returns a context that ends at the first interrupt. The second one ends the process at once.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP) // a lost terminal is an interrupt too
	signal.Ignore(syscall.SIGPIPE)                                        // whoever reads the progress may go; the run goes on
	go func() {
		if _, ok := <-signals; !ok {
			return
		}
		cancel(errInterrupted)
		if _, ok := <-signals; ok {
			os.Exit(exitInterrupted)
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		cancel(nil)
	}
}
