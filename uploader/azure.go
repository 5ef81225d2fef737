package uploader

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
)

// maxPutBlob is the largest blob that one request can make ("Put Blob", Azure documentation).
const maxPutBlob = 5000 << 20

// Azure is a store in a container of Azure Blob Storage.
//
// It makes no request but Put Blob, Put Block and Put Block List, which the right w of a SAS token covers. A token with c and without w
// covers Put Blob alone: it is the safest, since the service itself then refuses to overwrite. Objects that are larger than a part are
// kept in the Scratch folder until they can be sent in one request, and 5,000 MiB are the most.
//
// Each blob is made with If-None-Match: *, and each request carries a CRC64 that the service verifies; the one that it answers with is
// compared. Memory, parts, retries and the meaning of a [Meta] are those of [S3]; mtime and sha256 are kept as metadata. Blocks that no
// list names disappear by themselves after a week.
type Azure struct {
	*engine
	url     AzureURL
	client  *container.Client
	creds   *AzureCredentials
	now     func() time.Time
	clock   *clockReader
	scratch Scratch
	created atomic.Bool // whether the service has ever taken a blob
}

var _ Store = (*Azure)(nil)

// NewAzure opens the store. It asks for the credentials, but makes no request to the store.
func NewAzure(ctx context.Context, opt AzureOptions) (*Azure, error) {
	opt.setDefaults()
	clock := &clockReader{next: newTransport(opt.Proxy, opt.Parallel), now: opt.Now}
	client, err := newAzureClient(ctx, opt, clock)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", opt.URL, err)
	}
	return &Azure{
		engine: newEngine(opt.Limits), url: opt.URL, client: client, creds: opt.Credentials, now: opt.Now, clock: clock, scratch: opt.Scratch,
	}, nil
}

// String says where the store is.
func (s *Azure) String() string { return s.url.String() }

// Describe says which credentials are used, without any secret.
func (s *Azure) Describe() string { return s.creds.Describe() }

// ClockOffset returns by how much the store's clock is ahead of the host's, once the store has answered.
func (s *Azure) ClockOffset() (time.Duration, bool) { return s.clock.read() }

// Create starts an object. That the key is taken is known when it is committed.
func (s *Azure) Create(ctx context.Context, key string, meta Meta) (Object, error) {
	return s.create(ctx, s, key, meta)
}

// name implements backend.
func (s *Azure) name(ctx context.Context, key string, _ Meta) (string, error) {
	full := s.url.Key(key)
	return full, checkCreate(ctx, s.url, key, full)
}

// whole implements backend.
func (s *Azure) whole(ctx context.Context, key string, meta Meta, p *part) error {
	sum := p.sha256()
	return s.putBlob(ctx, key, p, p.crc64(), azureMetadata(meta, sum[:]))
}

// putBlob makes the blob in one request.
func (s *Azure) putBlob(ctx context.Context, key string, p payload, crc uint64, metadata map[string]*string) error {
	opts := &blockblob.UploadOptions{
		Metadata: metadata, TransactionalValidation: blob.TransferValidationTypeCRC64(crc), AccessConditions: unlessTaken(),
	}
	tried := false
	err := s.once(ctx, key, func(ctx context.Context) (sent bool, err error) {
		sent, err = s.try(ctx, s.stall, p, func(ctx context.Context, b *body) error {
			resp, err := s.client.NewBlockBlobClient(key).Upload(ctx, seekBody{b}, opts)
			if err != nil {
				return azureFailed(err)
			}
			return compareCRC64(resp.ContentCRC64, crc)
		})
		if tried || s.created.Load() {
			err = s.refusedOverwrite(ctx, err)
		}
		tried = tried || sent
		return sent, err
	})
	if err == nil {
		s.created.Store(true)
	}
	return err
}

// refusedOverwrite returns the error that says plainly that the name is taken, if err is what a token that may only create gets for
// an overwrite. The same code says that whoever made the token has no right himself, so a first request must not be read so.
func (s *Azure) refusedOverwrite(ctx context.Context, err error) error {
	if !isCode(err, "AuthorizationPermissionMismatch") {
		return err
	}
	if grant, failed := s.creds.current(ctx, s.now()); failed != nil || !grant.createsOnly() {
		return err
	}
	return &answerError{status: http.StatusForbidden, code: "UnauthorizedBlobOverwrite"}
}

// parts implements backend.
func (s *Azure) parts(u *upload, meta Meta) partTarget {
	grant, err := s.creds.current(u.ctx, s.now())
	if err == nil && grant.createsOnly() {
		return newSpooled(u, s.scratch, maxPutBlob, func(ctx context.Context, f *spoolFile) error {
			sum, crc := sha256.New(), crc64.New(azureCRC)
			if err := f.digest(sum, crc); err != nil {
				return err
			}
			return s.putBlob(ctx, u.key, f, crc.Sum64(), azureMetadata(meta, sum.Sum(nil)))
		})
	}
	return &azureBlocks{s: s, u: u, meta: meta, id: rand.Uint64()} //nolint:gosec // it keeps two runs apart, it hides nothing
}

// explain implements backend.
func (s *Azure) explain(err error) error {
	if errors.Is(err, ErrCredentials) {
		return err
	}
	return explainAzure(err, s.creds.from, "the right c (create) or w (write) in the container, or a role with blobs/write")
}

// unlessTaken is the condition that nothing is overwritten.
func unlessTaken() *blob.AccessConditions {
	none := azcore.ETagAny
	return &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: &none}}
}

// compareCRC64 checks the checksum that the service answered with, if it did, against ours.
func compareCRC64(got []byte, want uint64) error {
	if len(got) == 0 {
		return nil
	}
	return compare(hex.EncodeToString(got), hex.EncodeToString(binary.LittleEndian.AppendUint64(nil, want)))
}

// azureMetadata is what is kept with a blob. The form of mtime is the one that rclone reads and writes.
func azureMetadata(meta Meta, sum []byte) map[string]*string {
	m := map[string]*string{}
	if sum != nil {
		digest := hex.EncodeToString(sum)
		m["sha256"] = &digest
	}
	if !meta.ModTime.IsZero() {
		text := meta.ModTime.UTC().Format(time.RFC3339Nano)
		m["mtime"] = &text
	}
	return m
}

// azureBlocks are the blocks of one blob.
type azureBlocks struct {
	s    *Azure
	u    *upload
	meta Meta
	id   uint64 // of this upload: another one for the same blob must not replace its blocks

	mu     sync.Mutex
	staged []int // the numbers of the blocks that the service has
}

// name is the id of a block. Those of one blob must be equally long.
func (t *azureBlocks) name(number int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%016x-%06d", t.id, number))
}

// put implements partTarget. A block that is sent twice replaces itself.
func (t *azureBlocks) put(p *part) error {
	crc := p.crc64()
	opts := &blockblob.StageBlockOptions{TransactionalValidation: blob.TransferValidationTypeCRC64(crc)}
	err := t.s.retry.do(t.u.ctx, t.u.key, func(context.Context) error {
		_, err := t.s.try(t.u.requests, t.s.stall, p, func(ctx context.Context, b *body) error {
			resp, err := t.s.client.NewBlockBlobClient(t.u.key).StageBlock(ctx, t.name(p.number), seekBody{b}, opts)
			if err != nil {
				return azureFailed(err)
			}
			return compareCRC64(resp.ContentCRC64, crc)
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("part %d: %w", p.number, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.staged = append(t.staged, p.number)
	return nil
}

// join implements partTarget. The service has verified each block, and the list names each by its own id.
func (t *azureBlocks) join(ctx context.Context, _ uint32) error {
	slices.Sort(t.staged)
	names := make([]string, len(t.staged))
	for i, number := range t.staged {
		names[i] = t.name(number)
	}
	opts := &blockblob.CommitBlockListOptions{Metadata: azureMetadata(t.meta, nil), AccessConditions: unlessTaken()}
	return t.s.once(ctx, t.u.key, func(ctx context.Context) (sent bool, err error) {
		return t.s.try(ctx, completeTimeout, nil, func(ctx context.Context, _ *body) error {
			_, err := t.s.client.NewBlockBlobClient(t.u.key).CommitBlockList(ctx, names, opts)
			return azureFailed(err)
		})
	})
}

// drop implements partTarget. There is no request that drops blocks.
func (t *azureBlocks) drop() {}

// seekBody is a body for the library of Azure, which asks for its length by seeking. That it begins anew is left to our retries.
type seekBody struct{ *body }

var _ io.ReadSeekCloser = seekBody{}

// Close does nothing: whoever made the body detaches it.
func (seekBody) Close() error { return nil }

// Seek implements [io.Seeker].
func (b seekBody) Seek(offset int64, whence int) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.part == nil {
		return 0, errDetached
	}
	switch whence {
	case io.SeekCurrent:
		offset += b.offset
	case io.SeekEnd:
		offset += b.part.length()
	}
	if offset < 0 {
		return 0, errors.New("seek before the beginning")
	}
	b.offset = offset
	return offset, nil
}
