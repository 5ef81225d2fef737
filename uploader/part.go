package uploader

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"sync"
)

// castagnoli is the polynomial of CRC32C.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A part is what is sent in one request: bytes in the pool's chunks, and their CRC32C.
type part struct {
	number int // from 1
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

// crcText is a CRC32C as S3 writes it.
func crcText(crc uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc))
}

var errDetached = errors.New("the request that reads this body has ended")

// A body reads a part for one try of a request.
//
// The transport may still read the body when the request has already failed, and by then the chunks belong to another
// object. So a body is detached when its try has ended, and reads nothing from then on. It has no Seek, so that nothing
// but our own retry sends a part twice.
type body struct {
	progress func() // called for every read

	mu     sync.Mutex
	part   *part // nil once it is detached
	offset int
}

func (b *body) Read(p []byte) (int, error) {
	b.progress()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.part == nil {
		return 0, errDetached
	}
	if b.offset == b.part.size {
		return 0, io.EOF
	}
	chunk := b.part.chunks[b.offset/chunkSize]
	start := b.offset % chunkSize
	end := min(chunkSize, start+b.part.size-b.offset)
	n := copy(p, chunk[start:end])
	b.offset += n
	return n, nil
}

// detach ends the use of the part's chunks. It returns when no Read is using them.
func (b *body) detach() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.part = nil
}
