package uploader

import (
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"
)

// maxKey is how long a key may be, in bytes. It is S3's limit: "Object key naming guidelines", Amazon S3 User Guide.
const maxKey = 1024

// checkKey reports what is wrong with a key, if anything is.
func checkKey(key string) error {
	switch {
	case key == "" || key == "." || !fs.ValidPath(key):
		return fmt.Errorf("key %q: %w: want a relative, clean, slash-separated path", key, fs.ErrInvalid)
	case len(key) > maxKey:
		return fmt.Errorf("key %.40q…: %w: %d bytes are more than %d", key, fs.ErrInvalid, len(key), maxKey)
	case !utf8.ValidString(key) || strings.ContainsRune(key, 0):
		return fmt.Errorf("key %q: %w: want UTF-8 without NUL", key, fs.ErrInvalid)
	}
	return nil
}
