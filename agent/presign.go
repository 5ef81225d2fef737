package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"bellwether/profiles"
	"bellwether/uploader"

	"github.com/spf13/cobra"
)

// presignFlags are the flags of presign.
type presignFlags struct {
	s3      s3Flags
	expires time.Duration
	one     bool
	most    string
	output  string
}

func newPresignCommand(u *ui) *cobra.Command {
	var f presignFlags
	c := command("presign s3://bucket/prefix", func(c *cobra.Command, args []string) error { return presign(c, u, f, args[0]) })
	withArgs(c, cobra.ExactArgs(1))
	f.s3.add(c)
	flags := c.Flags()
	flags.DurationVar(&f.expires, "expires", 6*time.Hour, flagHelp["expires"])
	flags.BoolVar(&f.one, "one", false, flagHelp["one"])
	flags.StringVar(&f.most, "max-object", "5GiB", flagHelp["max-object"])
	flags.StringVarP(&f.output, "output", "o", "", flagHelp["output"])
	return c
}

// presign signs a ticket, and says until when it is good.
func presign(c *cobra.Command, u *ui, f presignFlags, to string) error {
	url, err := uploader.ParseS3URL(to)
	if err != nil {
		return usageError("bellwether presign s3://bucket/IR-7", "%w", err)
	}
	most, err := profiles.ParseSize(f.most)
	if err != nil {
		return usageError("--max-object 5GiB", "--max-object: %w", err)
	}
	opt := f.s3.options(u)
	opt.URL = url
	p, err := uploader.NewPresigner(c.Context(), opt)
	if err != nil {
		return withHint(exitFailed, err, hintS3)
	}
	end, reason, err := p.Expires(f.expires)
	if err != nil {
		return usageError("--expires 6h", "--expires: %w", err)
	}
	text, err := f.sign(c, p, most)
	if err != nil {
		return err
	}
	if err := f.write(u, text); err != nil {
		return err
	}
	return u.presigned(p.Describe(), end, reason)
}

func (f *presignFlags) sign(c *cobra.Command, p *uploader.Presigner, most int64) (string, error) {
	if f.one {
		text, err := p.URL(c.Context(), f.expires)
		return text + "\n", err
	}
	form, err := p.Form(c.Context(), f.expires, most)
	return string(form) + "\n", err
}

// write writes the ticket to where it was asked for. A file is made with the right for its owner alone, and replaces none.
func (f *presignFlags) write(u *ui, text string) error {
	if f.output == "" {
		_, err := io.WriteString(u.out, text)
		return err
	}
	file, err := os.OpenFile(f.output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	_, err = io.WriteString(file, text)
	return errors.Join(err, file.Close())
}
