package evidence

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
)

// A scratch is the memory of an archive for what can't be written yet: up to a limit it is memory, then one temporary file. What goes to
// the file is encrypted with a key that nobody but this process ever has, so that nothing can be read from it, or from its blocks.
type scratch struct {
	open func() (*os.File, error) // makes the file
	room func(more int64) error   // of the file's volume; nil where it needs no guard
	max  int64                    // bytes of memory

	mu    sync.Mutex
	used  int64
	file  *os.File
	block cipher.Block
	end   int64 // of the file
	live  int64 // bytes in the file that are still wanted
	salt  uint64
}

func (s *scratch) take(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used+int64(n) > s.max {
		return false
	}
	s.used += int64(n)
	return true
}

func (s *scratch) give(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= n
}

// An extent is a piece of a spool in the file.
type extent struct {
	offset, size int64
	salt         uint64 // of its encryption
}

// put writes to the file.
func (s *scratch) put(p []byte) (extent, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.room != nil {
		if err := s.room(int64(len(p))); err != nil {
			return extent{}, err
		}
	}
	if err := s.prepare(); err != nil {
		return extent{}, err
	}
	s.salt++
	x := extent{s.end, int64(len(p)), s.salt}
	sealed := make([]byte, len(p))
	s.stream(x).XORKeyStream(sealed, p)
	if _, err := s.file.WriteAt(sealed, x.offset); err != nil {
		return extent{}, fmt.Errorf("writing the temporary file: %w", err)
	}
	s.end += x.size
	s.live += x.size
	return x, nil
}

func (s *scratch) prepare() error {
	if s.file != nil {
		return nil
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	if s.file, err = s.open(); err != nil {
		return fmt.Errorf("making a temporary file: %w", err)
	}
	s.block = block
	return nil
}

// stream is the cipher of an extent: its salt is never used again.
func (s *scratch) stream(x extent) cipher.Stream {
	var iv [aes.BlockSize]byte
	binary.BigEndian.PutUint64(iv[:], x.salt)
	return cipher.NewCTR(s.block, iv[:])
}

// get reads an extent, at most once: its place is free when all are.
func (s *scratch) get(x extent) io.Reader {
	return &cipher.StreamReader{S: s.stream(x), R: io.NewSectionReader(s.file, x.offset, x.size)}
}

func (s *scratch) free(x extent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live -= x.size; s.live == 0 {
		s.end = 0
		_ = s.file.Truncate(0) // what stays is only larger than it must be
	}
}

// close gives the file back.
func (s *scratch) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	err := errors.Join(s.file.Close(), removed(os.Remove(s.file.Name())))
	s.file = nil
	return err
}

// removed passes over a file that had no name any more.
func removed(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// A spool keeps bytes until they can be written. It belongs to one goroutine at a time.
type spool struct {
	s       *scratch
	memory  []byte
	extents []extent
	size    int64
}

// Write implements [io.Writer].
func (b *spool) Write(p []byte) (int, error) {
	if !b.s.take(len(p)) {
		if err := b.spill(p); err != nil {
			return 0, err
		}
		b.size += int64(len(p))
		return len(p), nil
	}
	b.memory = append(b.memory, p...)
	b.size += int64(len(p))
	return len(p), nil
}

// spill sends what is held, and p, to the file.
func (b *spool) spill(p []byte) error {
	held := len(b.memory)
	x, err := b.s.put(append(slices.Clip(b.memory), p...))
	if err != nil {
		return err
	}
	b.extents = append(b.extents, x)
	b.s.give(int64(held))
	b.memory = nil
	return nil
}

// WriteTo implements [io.WriterTo]. It empties the spool.
func (b *spool) WriteTo(w io.Writer) (int64, error) {
	defer b.drop()
	total := int64(0)
	for _, x := range b.extents {
		n, err := io.Copy(w, b.s.get(x))
		total += n
		if err != nil {
			return total, fmt.Errorf("reading the temporary file: %w", err)
		}
	}
	n, err := w.Write(b.memory)
	return total + int64(n), err
}

// drop gives back what the spool holds.
func (b *spool) drop() {
	for _, x := range b.extents {
		b.s.free(x)
	}
	b.s.give(int64(len(b.memory)))
	b.memory, b.extents, b.size = nil, nil, 0
}
