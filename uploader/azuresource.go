package uploader

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
)

// azurePage is how many objects Azure lists at once ("List Blobs", Azure documentation).
const azurePage = 5000

// AzureSource is a [Source] in a container of Azure Blob Storage. It makes no request but List Blobs, Get Blob and Get Blob
// Properties, which the rights l and r of a SAS token and the role Storage Blob Data Reader cover.
//
// An Endpoint other than the public cloud's is the URL of the account's blob service, such as
// https://account.blob.core.usgovcloudapi.net, or http://127.0.0.1:10000/account of the emulator Azurite.
type AzureSource struct {
	source
	client *container.Client
	creds  *AzureCredentials
}

var _ Source = (*AzureSource)(nil)

// OpenAzureSource opens the source. It asks for the credentials, so that what is wrong with them is known at once, but
// makes no request to the store.
func OpenAzureSource(ctx context.Context, opt AzureOptions) (*AzureSource, error) {
	if opt.RetryFor <= 0 {
		opt.RetryFor = sourceRetryFor
	}
	opt.setDefaults()
	s, err := openAzure(ctx, opt)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", opt.URL, err)
	}
	return s, nil
}

func openAzure(ctx context.Context, opt AzureOptions) (*AzureSource, error) {
	client, err := newAzureClient(ctx, opt, newSourceTransport(opt.Proxy, opt.Parallel))
	if err != nil {
		return nil, err
	}
	s := &AzureSource{client: client, creds: opt.Credentials}
	s.source = source{
		from:   s,
		bucket: azureScheme + opt.URL.Account + "/" + opt.URL.Container,
		prefix: opt.URL.Prefix,
		page:   azurePage,
		retry:  &retrier{window: opt.RetryFor, now: opt.Now, sleep: opt.Sleep, log: opt.Logger},
	}
	return s, nil
}

// Describe says which credentials are used, without any secret.
func (s *AzureSource) Describe() string { return s.creds.from }

func (s *AzureSource) pages(prefix string, most int) func(context.Context) ([]Entry, bool, error) {
	results := int32(most)
	opts := &container.ListBlobsFlatOptions{MaxResults: &results}
	if prefix != "" {
		opts.Prefix = &prefix
	}
	pager := s.client.NewListBlobsFlatPager(opts)
	marker := "" // of the page before
	return func(ctx context.Context) (page []Entry, more bool, err error) {
		resp, err := pager.NextPage(ctx)
		if err != nil {
			return nil, false, azureFailed(err)
		}
		if resp.Segment == nil {
			return nil, false, errors.New("the answer is not a list of blobs")
		}
		for _, item := range resp.Segment.BlobItems {
			if item.Name == nil || item.Properties == nil {
				return nil, false, errors.New("the list has a blob without a name or properties")
			}
			p := item.Properties
			if p.ResourceType != nil && *p.ResourceType == "directory" {
				continue // of an account with a hierarchical namespace
			}
			page = append(page, azureEntry(*item.Name, p.ContentLength, p.LastModified, p.ETag))
		}
		if !pager.More() {
			return page, false, nil
		}
		if *resp.NextMarker == marker {
			return nil, false, fmt.Errorf("%w: the store lists the same page again", errors.ErrUnsupported)
		}
		marker = *resp.NextMarker
		return page, true, nil
	}
}

func (s *AzureSource) stat(ctx context.Context, key string) (Entry, error) {
	p, err := s.client.NewBlobClient(key).GetProperties(ctx, nil)
	if err != nil {
		return Entry{}, azureFailed(err)
	}
	return azureEntry(key, p.ContentLength, p.LastModified, p.ETag), nil
}

func (s *AzureSource) get(ctx context.Context, key, etag string, offset int64) (answered, error) {
	opts := &blob.DownloadStreamOptions{Range: blob.HTTPRange{Offset: offset}}
	if etag != "" {
		match := azcore.ETag(`"` + etag + `"`)
		opts.AccessConditions = &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfMatch: &match}}
	}
	resp, err := s.client.NewBlobClient(key).DownloadStream(ctx, opts)
	if err != nil {
		return answered{}, azureFailed(err)
	}
	a := answered{body: resp.Body, size: -1}
	if resp.ContentLength != nil {
		a.size = *resp.ContentLength
	}
	if resp.ETag != nil {
		a.etag = trimETag(*resp.ETag)
	}
	if resp.ContentRange != nil {
		a.start = rangeStart(*resp.ContentRange)
	}
	return a, nil
}

// azureEntry makes an entry of what the library has as pointers.
func azureEntry(key string, size *int64, modified *time.Time, etag *azcore.ETag) Entry {
	e := Entry{Key: key}
	if size != nil {
		e.Size = *size
	}
	if modified != nil {
		e.ModTime = *modified
	}
	if etag != nil {
		e.ETag = trimETag(*etag)
	}
	return e
}

// trimETag returns an ETag as a list has it: without its quotes.
func trimETag(etag azcore.ETag) string { return strings.Trim(string(etag), `"`) }
