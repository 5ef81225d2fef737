package main

import (
	"context"
	"io"
	"os"

	"bellwether/uploader"

	"github.com/spf13/cobra"
)

// sourceFlags are the flags that say how to reach what is read from a bucket or a container: logs to scan, and lists of indicators.
type sourceFlags struct {
	s3    s3Flags
	azure azureFlags
}

func (f *sourceFlags) add(c *cobra.Command) {
	f.s3.add(c)
	f.azure.add(c)
}

// open opens s3://bucket/prefix or azblob://account/container/prefix.
func (f *sourceFlags) open(ctx context.Context, u *ui, url string) (uploader.Source, error) {
	opt := uploader.SourceOptions{S3: f.s3.options(u), Azure: f.azure.options(u)}
	return uploader.OpenSource(ctx, url, opt)
}

// openList opens one list of indicators: a file, or one object of a store.
func (f *sourceFlags) openList(ctx context.Context, u *ui, name string) (io.ReadCloser, error) {
	if !uploader.IsSourceURL(name) {
		return os.Open(name)
	}
	src, err := f.open(ctx, u, name)
	if err != nil {
		return nil, err
	}
	return src.Open(ctx, "")
}
