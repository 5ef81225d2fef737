package main

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"regexp"

	"bellwether/agent/evidence"

	"github.com/spf13/cobra"
)

var sealForm = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

func newVerifyCommand(u *ui) *cobra.Command {
	var (
		seal   string
		asJSON bool
	)
	c := withArgs(command("verify CASE", func(c *cobra.Command, args []string) error {
		if seal != "" && !sealForm.MatchString(seal) {
			return usageError("--seal HEX, as the run printed it", "--seal: want 64 hexadecimal digits, got %q", seal)
		}
		if !isFolder(args[0]) {
			return usageError("bellwether verify incidents/IR-7/web-01_20261122T150405Z", "%s: no such case folder", args[0])
		}
		v, bad := evidence.Verify(c.Context(), filepath.Clean(args[0]), seal)
		if c.Context().Err() != nil {
			return context.Cause(c.Context())
		}
		if asJSON {
			return verdictAsJSON(u, args[0], v, bad)
		}
		switch {
		case bad == nil:
			return u.verified(args[0], v, seal != "")
		case errors.Is(bad, fs.ErrPermission):
			return withHint(exitFailed, bad, hintPrivileges)
		case errors.Is(bad, evidence.ErrIncomplete):
			return withHint(exitFailed, bad, hintIncomplete)
		}
		return withHint(exitFailed, bad, hintTampered)
	}), cobra.ExactArgs(1))
	c.Flags().StringVar(&seal, "seal", "", flagHelp["seal"])
	c.Flags().BoolVar(&asJSON, "json", false, flagHelp["json"])
	return c
}

func verdictAsJSON(u *ui, folder string, v evidence.Verdict, bad error) error {
	if err := u.verdictJSON(folder, v, bad); err != nil || bad == nil {
		return err
	}
	return &exitError{code: exitFailed}
}
