package main

import (
	"errors"
	"fmt"
	"os"

	"bellwether/agent/evidence"
	"bellwether/uploader"

	"filippo.io/age"
	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
)

// keepFlags are the flags that say in which form a case is kept.
type keepFlags struct {
	archive   bool
	encryptTo []string
}

func (f *keepFlags) add(c *cobra.Command) {
	c.Flags().BoolVar(&f.archive, "archive", false, flagHelp["archive"])
	c.Flags().StringArrayVar(&f.encryptTo, "encrypt-to", nil, flagHelp["encrypt-to"])
}

func (f *keepFlags) recipients() ([]age.Recipient, error) {
	to, err := evidence.ParseRecipients(f.encryptTo)
	if err == nil && len(f.encryptTo) > 0 && len(to) == 0 {
		err = fmt.Errorf("no public key")
	}
	if err != nil {
		return nil, usageError("--encrypt-to age1…, from age-keygen on your own machine", "--encrypt-to: %w", err)
	}
	return to, nil
}

// options are what an archive needs of the destination, nil where the case is kept as it comes.
func (f *keepFlags) options(d *destination, minFree string) *evidence.ArchiveOptions {
	if !f.archive {
		return nil
	}
	opt := &evidence.ArchiveOptions{Room: d.room}
	if d.folder != "" {
		opt.ScratchRoom = d.room
		opt.Scratch = func() (*os.File, error) { return scratchFile(d.folder) }
		return opt
	}
	opt.Scratch = func() (*os.File, error) { return scratchFile("") }
	opt.ScratchRoom = func(more int64) error { return tempRoom(minFree, more) }
	return opt
}

// scratchFile is a file that nobody else can find, where the system has such: its name goes at once.
func scratchFile(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, ".bellwether-*")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name()) // Windows removes no file that is open; it goes at the end
	return f, nil
}

// tempRoom guards the volume of the system's folder for temporary files.
func tempRoom(minFree string, more int64) error {
	floor, err := uploader.ParseFloor(minFree)
	if err != nil {
		return err
	}
	dir, err := uploader.NewDir(os.TempDir(), uploader.DirOptions{})
	if err != nil {
		return err
	}
	return errors.Join(roomIn(dir, floor, more), dir.Close())
}

// roomIn is an error that wraps evidence.ErrNoRoom if so many more bytes don't fit above the floor of a volume.
func roomIn(dir *uploader.Dir, floor uploader.Floor, more int64) error {
	free, total, err := dir.Free()
	if err != nil {
		return err
	}
	if free >= floor.Bytes(total)+uint64(more) {
		return nil
	}
	return fmt.Errorf("%w: %w: %s more, with %s free and a floor of %s; lower --min-free or choose another destination",
		evidence.ErrNoRoom, uploader.ErrFloor, humanize.IBytes(uint64(more)), humanize.IBytes(free), floor)
}
