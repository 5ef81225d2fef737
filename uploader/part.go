package uploader

import (
	"crypto/md5" //nolint:gosec // stores compare it, against accidents
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"hash/crc64"
	"io"
	"sync"
)

// castagnoli is the polynomial of CRC32C.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A part is what is sent in one request: bytes in the pool's chunks, and their CRC32C.
type part struct {
	number int   // from 1
	offset int64 // in the object
	chunks [][]byte
	size   int
	crc    uint32
}

// fill copies as much of p as fits into the chunks, and returns how much that was.
func (p *part) fill(b []byte) int {
	total := 0
	for len(b) > 0 && p.size < len(p.chunks)*chunkSize {
		n := copy(p.chunks[p.size/chunkSize][p.size%chunkSize:], b)
		p.crc = crc32.Update(p.crc, castagnoli, b[:n])
		p.size += n
		total += n
		b = b[n:]
	}
	return total
}

// sha256 returns the digest of the part's bytes.
func (p *part) sha256() [sha256.Size]byte {
	h := sha256.New()
	for i, chunk := range p.chunks {
		h.Write(chunk[:min(chunkSize, p.size-i*chunkSize)])
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// md5 returns the MD5 of the part's bytes.
func (p *part) md5() [md5.Size]byte {
	h := md5.New() //nolint:gosec // see the import
	for i, chunk := range p.chunks {
		h.Write(chunk[:min(chunkSize, p.size-i*chunkSize)])
	}
	return [md5.Size]byte(h.Sum(nil))
}

// azureCRC is the polynomial of the CRC64 of Azure Storage.
var azureCRC = crc64.MakeTable(0x9A6C9329AC4BC9B5)

// crc64 returns the CRC64 of the part's bytes, as Azure Storage computes it.
func (p *part) crc64() uint64 {
	var crc uint64
	for i, chunk := range p.chunks {
		crc = crc64.Update(crc, azureCRC, chunk[:min(chunkSize, p.size-i*chunkSize)])
	}
	return crc
}

// crcText is a CRC32C as S3 writes it.
func crcText(crc uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc))
}

var errDetached = errors.New("the request that reads this body has ended")

// A payload is what one request sends: a [part], or an object that was spooled.
type payload interface {
	length() int64
	readAt(p []byte, off int64) (int, error) // fills at least a byte of p; off is below length
}

// length implements payload.
func (p *part) length() int64 { return int64(p.size) }

// readAt implements payload.
func (p *part) readAt(b []byte, off int64) (int, error) {
	chunk, start := int(off/chunkSize), int(off%chunkSize)
	end := min(chunkSize, p.size-chunk*chunkSize)
	return copy(b, p.chunks[chunk][start:end]), nil
}

// A body reads a payload for one try of a request.
//
// The transport may still read the body when the request has already failed, and by then the chunks belong to another
// object. So a body is detached when its try has ended, and reads nothing from then on. It has no Seek, so that nothing
// but our own retry sends a part twice.
type body struct {
	progress func() // called for every read

	mu     sync.Mutex
	part   payload // nil once it is detached
	offset int64
}

func (b *body) Read(p []byte) (int, error) {
	b.progress()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.part == nil {
		return 0, errDetached
	}
	if b.offset >= b.part.length() {
		return 0, io.EOF
	}
	n, err := b.part.readAt(p, b.offset)
	b.offset += int64(n)
	return n, err
}

// detach ends the use of the part's chunks. It returns when no Read is using them.
func (b *body) detach() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.part = nil
}
