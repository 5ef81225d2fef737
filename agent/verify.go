package main

import (
	"errors"
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
		v, err := evidence.Verify(c.Context(), filepath.Clean(args[0]), seal)
		if jsonErr := u.verdict(args[0], v, err, asJSON); jsonErr != nil {
			return jsonErr
		}
		switch {
		case err == nil:
			return nil
		case asJSON:
			return &exitError{code: exitFailed}
		case errors.Is(err, evidence.ErrIncomplete):
			return withHint(exitFailed, err, hintIncomplete)
		}
		return withHint(exitFailed, err, hintTampered)
	}), cobra.ExactArgs(1))
	c.Flags().StringVar(&seal, "seal", "", flagHelp["seal"])
	c.Flags().BoolVar(&asJSON, "json", false, flagHelp["json"])
	return c
}
