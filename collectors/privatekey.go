package collectors

import (
	"bytes"
	"io"
	"os"
)

// privateKey is why a file is not kept, whatever names it a log.
const privateKey = "begins as a private key"

// keyRead is how much of a file is read to tell a private key, in bytes.
const keyRead = 512

// isPrivateKey reports whether a file that was found begins as a private key does. What can't be read doesn't.
func (x found) isPrivateKey() bool {
	f, _, err := x.in.openFile(x.name)
	if err != nil {
		return false
	}
	defer f.Close()
	return beginsAsPrivateKey(f)
}

// beginsAsPrivateKey looks at the beginning of an open file.
func beginsAsPrivateKey(f *os.File) bool {
	text, err := io.ReadAll(io.NewSectionReader(f, 0, keyRead))
	return err == nil && startsPrivateKey(text)
}

// startsPrivateKey reports whether a text's first line is that of a private key: in PEM (RFC 7468), as of OpenSSH and OpenPGP, or of PuTTY.
func startsPrivateKey(text []byte) bool {
	line, _, _ := bytes.Cut(bytes.TrimLeft(text, "\ufeff \t\r\n"), []byte("\n"))
	if bytes.HasPrefix(line, []byte("PuTTY-User-Key-File-")) {
		return true
	}
	label, pem := bytes.CutPrefix(line, []byte("-----BEGIN "))
	return pem && bytes.Contains(label, []byte("PRIVATE KEY"))
}
