package evidence

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
)

// maxKeyFile is the longest file of keys that is read, in bytes.
const maxKeyFile = 1 << 20

// ErrKey is what is no key that a case can be encrypted to or decrypted with.
var ErrKey = errors.New("not a key for this")

// ParseRecipients reads public keys: age1…, ssh-ed25519 …, or files with one of them a line.
func ParseRecipients(args []string) ([]age.Recipient, error) {
	var all []age.Recipient
	for _, arg := range args {
		r, err := parseRecipient(strings.TrimSpace(arg))
		if errors.Is(err, ErrKey) {
			found, fileErr := recipientsFile(arg)
			if errors.Is(fileErr, os.ErrNotExist) {
				return nil, fmt.Errorf("%q: %w, nor a file with such lines", clip(arg, 80), err)
			}
			if fileErr != nil {
				return nil, fileErr
			}
			all = append(all, found...)
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	if len(all) == 0 {
		return nil, nil
	}
	if _, err := age.Encrypt(io.Discard, all...); err != nil { // not every kind goes with every other
		return nil, fmt.Errorf("these recipients can't be used together: %w", err)
	}
	return all, nil
}

// parseRecipient reads one public key. No error repeats what is none: it may be a private one.
func parseRecipient(s string) (age.Recipient, error) {
	switch {
	case strings.Contains(strings.ToUpper(s), "AGE-SECRET-KEY-"), strings.Contains(s, "PRIVATE KEY-----"):
		return nil, errors.New("this is a private key: it must never be on this host; give the public one, age1… or ssh-ed25519 …")
	case strings.HasPrefix(s, "age1pq1"):
		return wrapKey(age.ParseHybridRecipient(s))
	case strings.HasPrefix(s, "age1"):
		return wrapKey(age.ParseX25519Recipient(s))
	case strings.HasPrefix(s, "ssh-ed25519 "):
		return wrapKey(agessh.ParseRecipient(s))
	}
	return nil, fmt.Errorf("%w: neither age1… nor ssh-ed25519 …", ErrKey)
}

func wrapKey[R age.Recipient](r R, err error) (age.Recipient, error) {
	if err != nil {
		return nil, fmt.Errorf("reading the public key: %w", err)
	}
	return r, nil
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}

func recipientsFile(name string) ([]age.Recipient, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := parseRecipients(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return all, nil
}

// parseRecipients reads one public key a line. Empty lines and those with # are passed over.
func parseRecipients(r io.Reader) ([]age.Recipient, error) {
	var all []age.Recipient
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		one, err := parseRecipient(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		all = append(all, one)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errors.New("no public key stands in it")
	}
	return all, nil
}

// ReadIdentities reads the private keys in files: those of age, or one of ssh without a passphrase in each.
func ReadIdentities(files []string) ([]age.Identity, error) {
	var all []age.Identity
	for _, name := range files {
		found, err := identitiesFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading the identity %s: %w", name, err)
		}
		all = append(all, found...)
	}
	return all, nil
}

func identitiesFile(name string) ([]age.Identity, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, err
	}
	return parseIdentities(string(b))
}

func parseIdentities(text string) ([]age.Identity, error) {
	if strings.Contains(text, "-----BEGIN") {
		id, err := agessh.ParseIdentity([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("%w (a key with a passphrase: make a copy without, with ssh-keygen -p)", err)
		}
		return []age.Identity{id}, nil
	}
	return age.ParseIdentities(strings.NewReader(text))
}

// sealing is a store that encrypts each object of another one, as NAME.age.
type sealing struct {
	base Store
	to   []age.Recipient
}

// Create implements [Store].
func (s sealing) Create(ctx context.Context, key string, meta Meta) (Object, error) {
	o, err := s.base.Create(ctx, key+SealedExt, meta)
	if err != nil {
		return nil, err
	}
	d := newDigest(o)
	w, err := age.Encrypt(d, s.to...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("encrypting %s: %w", key, err), o.Abort())
	}
	return &sealedObject{Object: o, age: w, stored: d}, nil
}

type sealedObject struct {
	Object
	age    io.WriteCloser
	stored *digest
}

// Write implements [Object].
func (o *sealedObject) Write(p []byte) (int, error) { return o.age.Write(p) }

// Commit implements [Object].
func (o *sealedObject) Commit() error {
	if err := o.age.Close(); err != nil {
		return errors.Join(err, o.Abort())
	}
	return o.Object.Commit()
}

// storedOf returns size and digest of what the store has of an object, where that is not its content.
func storedOf(o Object) (size *int64, sum string) {
	s, ok := o.(*sealedObject)
	if !ok {
		return nil, ""
	}
	return &s.stored.size, hexSum(s.stored.hash)
}
