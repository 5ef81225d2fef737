package main

import (
	"context"
	"io"
	"os"

	"bellwether/imds"
	"bellwether/uploader"

	"github.com/spf13/cobra"
)

// sourceFlags are the flags that say how to reach what is read from a bucket or a container: logs to scan, and lists of indicators.
type sourceFlags struct {
	s3            s3Flags
	azureSAS      string // a file with a SAS token
	azureEndpoint string
}

func (f *sourceFlags) add(c *cobra.Command) {
	f.s3.add(c)
	c.Flags().StringVar(&f.azureSAS, "azure-sas", "", flagHelp["azure-sas"])
	c.Flags().StringVar(&f.azureEndpoint, "azure-endpoint", "", flagHelp["azure-endpoint"])
}

// open opens s3://bucket/prefix or azblob://account/container/prefix.
func (f *sourceFlags) open(ctx context.Context, u *ui, url string) (uploader.Source, error) {
	opt := uploader.SourceOptions{S3: f.s3.options(u), Azure: uploader.AzureOptions{Endpoint: f.azureEndpoint}}
	switch {
	case f.azureSAS != "":
		opt.Azure.Credentials = uploader.SASFileCredentials(f.azureSAS)
	case u.getenv("AZURE_STORAGE_SAS_TOKEN") != "":
		opt.Azure.Credentials = uploader.SASEnvCredentials(u.getenv)
	default:
		opt.Azure.Credentials = uploader.ManagedIdentityCredentials(imds.New(""), "")
	}
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
