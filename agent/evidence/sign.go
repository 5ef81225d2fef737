package evidence

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"aead.dev/minisign"
)

// SignatureFile is the detached signature of SHA256SUMS, as minisign makes it.
const SignatureFile = SumsFile + ".minisig"

// A signer signs what is written to it with a key that is made for it and never leaves it.
type signer struct {
	public  minisign.PublicKey
	private minisign.PrivateKey
	feed    feed
	reader  *minisign.Reader
}

// A feed gives a reader the bytes that a writer gets.
type feed struct{ b []byte }

func (f *feed) Read(p []byte) (int, error) {
	if len(f.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, f.b)
	f.b = f.b[n:]
	return n, nil
}

func newSigner() (*signer, error) {
	public, private, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the key that signs the case: %w", err)
	}
	s := &signer{public: public, private: private}
	s.reader = minisign.NewReader(&s.feed)
	return s, nil
}

// Write implements [io.Writer].
func (s *signer) Write(p []byte) (int, error) {
	s.feed.b = p
	n, err := io.CopyN(io.Discard, s.reader, int64(len(p)))
	return int(n), err
}

// key is the public half, as minisign -P takes it.
func (s *signer) key() string { return s.public.String() }

// sign returns the signature file. The comment is signed with it.
func (s *signer) sign(comment string) []byte {
	return s.reader.SignWithComments(s.private, comment, "signed by the run with the key "+s.key())
}

// comment is what a signature says of its case, in one line.
func comment(prefix, seal string, complete bool) string {
	return fmt.Sprintf("bellwether case=%s seal=%s complete=%t", prefix, seal, complete)
}

// A Claim is what a signature says of its case.
type Claim struct {
	Key  string // public half of the run's key
	Case string
	Seal string
}

// maxSignature is the longest signature file that is read, in bytes.
const maxSignature = 16 << 10

// checkSignature checks a signature file of SHA256SUMS, which was read through signed, with the key, or, if key is empty, with the one that
// the file itself names.
func checkSignature(signed *minisign.Reader, signature []byte, key string) (Claim, error) {
	var sig minisign.Signature
	if err := sig.UnmarshalText(signature); err != nil {
		return Claim{}, fmt.Errorf("%s is no signature: %w", SignatureFile, err)
	}
	_, named, _ := strings.Cut(sig.UntrustedComment, "with the key ")
	if key == "" {
		key = named
	}
	var public minisign.PublicKey
	if err := public.UnmarshalText([]byte(key)); err != nil {
		return Claim{}, fmt.Errorf("%q is no public key of minisign: %w", clip(key, 80), err)
	}
	if sig.KeyID != public.ID() {
		return Claim{}, fmt.Errorf("%s was made with another key than %s: it is the signature of another run", SignatureFile, key)
	}
	if !signed.Verify(public, signature) {
		return Claim{}, fmt.Errorf("the signature in %s doesn't fit %s and the key %s: one of them was changed", SignatureFile, SumsFile, key)
	}
	c := Claim{Key: key}
	for _, field := range strings.Fields(sig.TrustedComment) {
		name, value, _ := strings.Cut(field, "=")
		switch name {
		case "case":
			c.Case = value
		case "seal":
			c.Seal = value
		}
	}
	if c.Seal == "" || c.Case == "" {
		return c, errors.New(SignatureFile + " names no case and no seal")
	}
	return c, nil
}
