package collectors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/dustin/go-humanize"
)

// bufferSize is how much of a file is read at once, in bytes.
const bufferSize = 256 << 10

// copySparse copies the data of a sparse file, and says in the item where it stands in the file.
func copySparse(ctx context.Context, w io.Writer, r *os.File, buf []byte, data *dataMap, item *Item) error {
	item.Extents = []Extent{}
	for _, e := range data.extents {
		n, err := copySpan(ctx, w, r, buf, e)
		if n > 0 {
			item.Extents = append(item.Extents, Extent{e.Offset, n})
		}
		if err != nil {
			return err
		}
	}
	addReason(item, fmt.Sprintf("sparse: %s long, of which %s are data; only the data is kept, at the offsets in extents",
		humanize.IBytes(uint64(item.SourceSize)), humanize.IBytes(uint64(total(item.Extents)))))
	if data.cut {
		return fmt.Errorf("%s; too many holes: what comes after them is not kept", item.Reason)
	}
	return nil
}

// copySpan copies one run of bytes and returns how many there were.
func copySpan(ctx context.Context, w io.Writer, r *os.File, buf []byte, e Extent) (int64, error) {
	done := int64(0)
	for done < e.Length {
		if ctx.Err() != nil {
			return done, errors.New(whyStopped(ctx, ctx.Err()))
		}
		n, err := r.ReadAt(buf[:min(int64(len(buf)), e.Length-done)], e.Offset+done)
		if n > 0 {
			if _, werr := w.Write(buf[:n]); werr != nil {
				return done, werr
			}
			done += int64(n)
		}
		if errors.Is(err, io.EOF) && done < e.Length {
			return done, fmt.Errorf("shrank while it was read: %d bytes of %d", done, e.Length)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return done, fmt.Errorf("reading at offset %d: %s", e.Offset+done, plain(err))
		}
	}
	return done, nil
}

// addReason adds to what a reader should know of an item.
func addReason(item *Item, s string) {
	if item.Reason != "" {
		item.Reason += "; "
	}
	item.Reason += s
}

// changed notes what happened to the file in the meantime. What was read stays as it is. A file that was found without a directory, through a
// process that holds it open, has no name to look at again.
func changed(item *Item, r *os.File, x found, before info) error {
	note := func(s string) { addReason(item, s) }
	after, err := statFile(r)
	if err != nil {
		note("could not be looked at again: " + plain(err))
		return nil
	}
	switch {
	case after.size > before.size:
		note(fmt.Sprintf("grew while it was read: from %d to %d bytes; the first %d are kept", before.size, after.size, before.size))
	case after.size < before.size:
		return fmt.Errorf("shrank while it was read: from %d to %d bytes", before.size, after.size)
	case !after.mtime.Equal(before.mtime):
		note("was written to while it was read")
	}
	if x.in == nil {
		return nil
	}
	if now, err := x.in.stat(x.name); err != nil || (now.ino != before.ino || now.dev != before.dev) {
		note("was moved or replaced while it was read")
	}
	return nil
}
