package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"bellwether/agent/evidence"

	"github.com/spf13/cobra"
)

var sealForm = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

// proofFlags are the flags that say what a case is held against; verify and open share them.
type proofFlags struct {
	seal       string
	key        string
	identities []string
}

func (f *proofFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.seal, "seal", "", flagHelp["seal"])
	c.Flags().StringVar(&f.key, "key", "", flagHelp["key"])
	c.Flags().StringArrayVarP(&f.identities, "identity", "i", nil, flagHelp["identity"])
}

func (f *proofFlags) options() (evidence.VerifyOptions, error) {
	opt := evidence.VerifyOptions{Seal: strings.ToLower(f.seal), Key: f.key}
	if f.seal != "" && !sealForm.MatchString(f.seal) {
		return opt, usageError("--seal HEX, as the run printed it", "--seal: want 64 hexadecimal digits, got %q", f.seal)
	}
	if f.key != "" && !keyForm.MatchString(f.key) {
		return opt, usageError("--key RWQ…, as the run printed it", "--key: want the 56 characters of a minisign key, got %q", f.key)
	}
	var err error
	if opt.Identities, err = evidence.ReadIdentities(f.identities); err != nil {
		return opt, usageError("-i FILE, as age-keygen -o FILE makes it, or an ssh key without a passphrase", "%w", err)
	}
	return opt, nil
}

var keyForm = regexp.MustCompile(`^RW[A-Za-z0-9+/]{54}$`)

func newVerifyCommand(u *ui) *cobra.Command {
	var (
		f      proofFlags
		asJSON bool
	)
	c := withArgs(command("verify CASE|ARCHIVE", func(c *cobra.Command, args []string) error {
		opt, err := f.options()
		if err != nil {
			return err
		}
		if _, err := os.Stat(args[0]); errors.Is(err, fs.ErrNotExist) {
			return usageError("bellwether verify incidents/IR-7/web-01_20261122T150405Z", "%s: no such case folder or archive", args[0])
		}
		v, bad := evidence.Verify(c.Context(), filepath.Clean(args[0]), opt)
		if c.Context().Err() != nil {
			return context.Cause(c.Context())
		}
		if asJSON {
			return verdictAsJSON(u, args[0], v, bad)
		}
		if bad == nil {
			return u.verified(args[0], v, f.seal != "")
		}
		return caseRefused(bad)
	}), cobra.ExactArgs(1))
	f.add(c)
	c.Flags().BoolVar(&asJSON, "json", false, flagHelp["json"])
	return c
}

// caseRefused gives what is wrong with a case its exit code and its hint.
func caseRefused(bad error) error {
	switch {
	case errors.Is(bad, fs.ErrPermission):
		return withHint(exitFailed, bad, hintPrivileges)
	case errors.Is(bad, evidence.ErrNeedsKey):
		return withHint(exitFailed, bad, hintIdentity)
	case errors.Is(bad, evidence.ErrDiffers):
		return withHint(exitFailed, bad, hintDiffers)
	case errors.Is(bad, evidence.ErrIncomplete) && !errors.Is(bad, evidence.ErrTruncated):
		return withHint(exitIncomplete, bad, hintIncomplete)
	}
	return withHint(exitFailed, bad, hintTampered)
}

func verdictAsJSON(u *ui, folder string, v evidence.Verdict, bad error) error {
	if err := u.verdictJSON(folder, v, bad); err != nil || bad == nil {
		return err
	}
	return &exitError{code: codeOf(caseRefused(bad))}
}
