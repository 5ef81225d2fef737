package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// The exit codes. 137, 168, 169, 194 and 3010 mean something of their own to AWS SSM and are never used.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitIncomplete  = 3
	exitFindings    = 4
	exitInterrupted = 130
)

// exitCodes is the table that --help prints.
var exitCodes = []struct {
	code    int
	meaning string
}{
	{exitOK, "all is well: the case is complete and delivered, or there was a hit (scan)"},
	{exitFailed, "no case, a case that verify refuses, or no hit (scan)"},
	{exitUsage, "the command line, a profile or an indicator list is wrong; a scan met an error"},
	{exitIncomplete, "a case, but incomplete: deadline, disk, or delivery"},
	{exitFindings, "findings, only with --fail-on-findings"},
	{exitInterrupted, "interrupted; what was collected until then is kept"},
}

func exitTable() string {
	var b strings.Builder
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "  %-4d %s\n", e.code, e.meaning)
	}
	return b.String()
}

// errInterrupted is the cause of a context that a signal has ended.
var errInterrupted = errors.New("interrupted")

// An exitError is an error that knows its exit code. An empty one has said all already.
type exitError struct {
	code int
	err  error
	hint string // what to type next
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usageError(hint, format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...), hint: hint}
}

func withHint(code int, err error, hint string) error {
	return &exitError{code: code, err: err, hint: hint}
}

// codeOf is the exit code for what a command returned.
func codeOf(err error) int {
	var e *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &e):
		return e.code
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitFailed
}
