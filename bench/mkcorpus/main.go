// Command mkcorpus writes a corpus of logs with planted indicators, see package corpus.
package main

import (
	"flag"
	"fmt"
	"os"

	"bellwether/bench/corpus"
)

func main() {
	out := flag.String("out", "corpus", "folder to write")
	mib := flag.Int64("mib", 256, "MiB of plain text")
	seed := flag.Uint64("seed", 1, "the same seed makes the same corpus")
	every := flag.Int("every", 1500, "lines from one planted line to the next, in the mean")
	gz := flag.Bool("gz", false, "write a .gz of every log too")
	flag.Parse()
	plants, err := corpus.Write(*out, corpus.Options{Bytes: *mib << 20, Seed: *seed, Every: *every, Gzip: *gz})
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	fmt.Printf("%d planted lines in %s\n", len(plants), *out)
}
