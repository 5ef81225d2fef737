package pkgdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// The format that SUSE's rpm uses: slots of 16 bytes that say in which block of 16 bytes a package begins, see lib/backend/ndb in rpm's sources.
const (
	ndbMagic      = 'R' | 'p'<<8 | 'm'<<16 | 'P'<<24
	ndbSlotMagic  = 'S' | 'l'<<8 | 'o'<<16 | 't'<<24
	ndbBlobMagic  = 'B' | 'l'<<8 | 'b'<<16 | 'S'<<24
	ndbPage       = 4096
	ndbSlot       = 16
	ndbBlock      = 16
	ndbFirstSlots = 2 // the header takes the room of two
	maxSlotPages  = 2048
)

// readNDB calls blob for every package. The bytes are valid during the call only.
func readNDB(f *os.File, size int64, _ Root, _ string, blob func([]byte) error) error {
	return walkNDB(f, size, blob)
}

func walkNDB(f io.ReaderAt, size int64, blob func([]byte) error) error {
	var head [32]byte
	if _, err := f.ReadAt(head[:], 0); err != nil || binary.LittleEndian.Uint32(head[:]) != ndbMagic {
		return errors.New("no database of rpm's ndb format")
	}
	pages := binary.LittleEndian.Uint32(head[12:])
	if pages == 0 || pages > maxSlotPages {
		return fmt.Errorf("ndb: %d pages of slots", pages)
	}
	slots := make([]byte, int(pages)*ndbPage)
	if _, err := f.ReadAt(slots, 0); err != nil {
		return fmt.Errorf("ndb: reading the slots: %w", err)
	}
	var buf []byte
	left := size // what packages take in all: slots that all point at one would take a day
	for s := slots[ndbFirstSlots*ndbSlot:]; len(s) >= ndbSlot; s = s[ndbSlot:] {
		number, at := binary.LittleEndian.Uint32(s[4:]), int64(binary.LittleEndian.Uint32(s[8:]))*ndbBlock
		if binary.LittleEndian.Uint32(s) != ndbSlotMagic || number == 0 || at == 0 {
			continue
		}
		var err error
		if buf, err = readNDBBlob(f, at, number, min(left, size-at), buf); err != nil {
			return err
		}
		left -= int64(len(buf))
		if err := blob(buf); err != nil {
			return err
		}
	}
	return nil
}

// readNDBBlob reads the package at an offset into buf, which grows as needed. It takes most bytes at most.
func readNDBBlob(f io.ReaderAt, at int64, number uint32, most int64, buf []byte) ([]byte, error) {
	var head [16]byte
	if _, err := f.ReadAt(head[:], at); err != nil {
		return nil, fmt.Errorf("ndb: package %d: %w", number, err)
	}
	length := int64(binary.LittleEndian.Uint32(head[12:]))
	if binary.LittleEndian.Uint32(head[:]) != ndbBlobMagic || binary.LittleEndian.Uint32(head[4:]) != number || length > min(most, maxHeader) {
		return nil, fmt.Errorf("ndb: package %d is damaged", number)
	}
	if int64(cap(buf)) < length {
		buf = make([]byte, length)
	}
	buf = buf[:length]
	if _, err := f.ReadAt(buf, at+16); err != nil {
		return nil, fmt.Errorf("ndb: package %d: %w", number, err)
	}
	return buf, nil
}
