package collectors

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// mapped returns the first bytes of a file as its mapping into memory has them: another way through the kernel than read, and one that a
// rootkit seldom covers. A file that shrinks underneath is an error, and no crash.
func mapped(f *os.File, size int) (b []byte, err error) {
	data, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unix.Munmap(data)) }()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			b, err = nil, fmt.Errorf("reading the mapping: %v", fault)
		}
	}()
	return bytes.Clone(data), nil
}
