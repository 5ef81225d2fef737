package uploader_test

import (
	"fmt"
	"testing"

	"bellwether/uploader"
)

func BenchmarkDir(b *testing.B) {
	data := make([]byte, 20<<20)
	for i := range data {
		data[i] = byte(i * 7 >> 3)
	}
	dir, err := uploader.NewDir(b.TempDir(), uploader.DirOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for n := 0; b.Loop(); n++ {
		object, err := dir.Create(b.Context(), fmt.Sprint(n), uploader.Meta{Size: -1})
		if err != nil {
			b.Fatal(err)
		}
		for rest := data; len(rest) > 0; rest = rest[256<<10:] {
			if _, err := object.Write(rest[:256<<10]); err != nil {
				b.Fatal(err)
			}
		}
		if err := object.Commit(); err != nil {
			b.Fatal(err)
		}
	}
}
