package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"aead.dev/minisign"
	"filippo.io/age"
)

// maxInfo is the longest case.json that is read, in bytes.
const maxInfo = 4 << 20

// ErrNeedsKey is what an encrypted case says where there is no private key.
var ErrNeedsKey = errors.New("the case is encrypted, and there is no private key for it")

// A bookFile is a file of the case that is read as what it holds, encrypted or not.
type bookFile struct {
	*os.File
	content io.Reader
	hash    hash.Hash
}

func (v *verifier) openBook(name string) (*bookFile, error) {
	if v.sealed {
		name += SealedExt
	}
	f, err := v.open(name)
	if err != nil {
		return nil, err
	}
	b := &bookFile{File: f, content: f, hash: sha256.New()}
	if !v.sealed {
		return b, nil
	}
	if b.content, err = age.Decrypt(io.TeeReader(f, b.hash), v.opt.Identities...); err != nil {
		f.Close()
		return nil, decryptError(err)
	}
	b.content = undecryptable{b.content}
	return b, nil
}

// An undecryptable reader marks the errors of decryption.
type undecryptable struct{ r io.Reader }

func (u undecryptable) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	if err != nil && (!errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
		err = fmt.Errorf("%w: %w", errUndecryptable, err)
	}
	return n, err
}

func isUndecryptable(err error) bool { return errors.Is(err, errUndecryptable) }

// storedSum reads what is left, and returns the digest of what is stored.
func (b *bookFile) storedSum() (string, error) {
	b.hash.Reset()
	if _, err := b.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	if _, err := io.Copy(b.hash, b.File); err != nil {
		return "", err
	}
	return hexSum(b.hash), nil
}

func decryptError(err error) error {
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return fmt.Errorf("%w: it is encrypted to others", ErrNeedsKey)
	}
	return err
}

// readInfo reads what case.json says, once its line was found to fit.
func (v *verifier) readInfo() error {
	if _, known := v.names[CaseFile]; !known || v.root == nil {
		return nil
	}
	f, err := v.openBook(CaseFile)
	if err != nil {
		return fmt.Errorf("opening %s: %w", CaseFile, err)
	}
	defer f.Close()
	return v.infoFrom(f.content)
}

func (v *verifier) infoFrom(r io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(r, maxInfo))
	if err != nil {
		return fmt.Errorf("reading %s: %w", CaseFile, err)
	}
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(&v.info); err != nil {
		return fmt.Errorf("%s is not as a run writes it: %w", CaseFile, err)
	}
	return nil
}

// withoutKey checks what can be checked of an encrypted case by somebody who can't read it: that every file is what SHA256SUMS says, that
// none is missing or was added, and that SHA256SUMS is signed.
func (v *verifier) withoutKey(ctx context.Context) error {
	if v.opt.Seal != "" && v.opt.Key == "" {
		return fmt.Errorf("%w: the seal can only be checked with it, or with the key that the run printed", ErrNeedsKey)
	}
	b, err := v.readSmall(SignatureFile, maxSignature)
	if err != nil {
		return err
	}
	f, err := v.open(SumsFile)
	if err != nil {
		return fmt.Errorf("opening %s: %w", SumsFile, err)
	}
	defer f.Close()
	signed := minisign.NewReader(f)
	if err := v.storedFiles(ctx, signed); err != nil {
		return err
	}
	claim, err := checkSignature(signed, b, v.opt.Key)
	if err != nil {
		return err
	}
	v.verdict.Stored, v.verdict.Key, v.verdict.Seal, v.verdict.Case = true, claim.Key, claim.Seal, claim.Case
	if err := v.seal(v.opt.Seal); err != nil {
		return err
	}
	return v.added(ctx, func(name string) error {
		return fmt.Errorf("%s was added: it has no line in %s", name, SumsFile)
	})
}

// storedFiles checks every file that SHA256SUMS lists.
func (v *verifier) storedFiles(ctx context.Context, sums io.Reader) error {
	v.sealed = false // the files are looked at as they are stored
	lines := newLineReader(sums, maxLine)
	for n := int64(1); ; n++ {
		b, err := lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: line %d: %w", SumsFile, n, err)
		}
		sum, name, _ := bytes.Cut(b, []byte("  "))
		st, err := v.root.Lstat(string(name))
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s is missing", name)
		}
		if err != nil {
			return fmt.Errorf("looking at %s: %w", name, err)
		}
		size := st.Size()
		l := Line{Seq: n, Name: string(name), Size: &size, SHA256: string(sum)}
		if err := v.name(n, l); err != nil {
			return fmt.Errorf("%s: %w", SumsFile, err)
		}
		if err := v.file(ctx, l); err != nil {
			return err
		}
		v.verdict.Files++
		v.verdict.Bytes += size
	}
}
