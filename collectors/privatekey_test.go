package collectors

import (
	"bytes"
	"testing"
)

func TestStartsPrivateKey(t *testing.T) {
	for text, want := range map[string]bool{
		"-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl": true, "-----BEGIN RSA PRIVATE KEY-----": true, "\n \xef\xbb\xbf-----BEGIN PRIVATE KEY-----\r\n": true,
		"-----BEGIN PGP PRIVATE KEY BLOCK-----\n": true, "PuTTY-User-Key-File-3: ssh-ed25519\n": true, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n": true,
		"-----BEGIN CERTIFICATE-----\nPRIVATE KEY": false, "2026 -----BEGIN PRIVATE KEY-----\n": false, "": false, "log\n-----BEGIN PRIVATE KEY-----\n": false,
	} {
		if got := startsPrivateKey([]byte(text)); got != want {
			t.Errorf("startsPrivateKey(%q) = %v, want %v", text, got, want)
		}
	}
}

func FuzzStartsPrivateKey(f *testing.F) {
	f.Add([]byte("-----BEGIN OPENSSH PRIVATE KEY-----\n"))
	f.Add([]byte(" \nPuTTY-User-Key-File-3: x"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if startsPrivateKey(text) && !bytes.Contains(text, []byte("PRIVATE KEY")) && !bytes.Contains(text, []byte("PuTTY")) {
			t.Errorf("%q is a private key", text)
		}
		if startsPrivateKey(text) && !startsPrivateKey(append([]byte("\n"), text...)) {
			t.Errorf("%q is none after a blank line", text)
		}
	})
}
