package profiles

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/token"
)

//go:embed builtin/*.yaml
var builtin embed.FS

const builtinFolder = "builtin/"

// defaultNames are the profiles that are collected where none is named.
var defaultNames = map[string]string{"linux": "linux-triage", "windows": "windows-triage"}

// Default returns the name of the profile for a system, as GOOS, where the user names none. For a system without one, and
// for the name of one that isn't built in, [Load] has the error to show.
func Default(goos string) string { return defaultNames[goos] }

// Load reads profiles with all that they include. A name with a slash, a backslash, .yaml or .yml at its end is a file's
// path; any other is a built-in profile's name. The error is of type [Errors] and holds all that is wrong with any of them.
func Load(names []string) ([]*Profile, error) {
	l := newLoader()
	var out []*Profile
	for _, name := range names {
		if isFile(name) {
			out = append(out, l.load(ref{file: filepath.Clean(name)}))
		} else if r, ok := builtinRef(name); ok {
			out = append(out, l.load(r))
		} else {
			l.errs = append(l.errs, noBuiltin(name))
		}
	}
	if err := l.errs.asError(); err != nil {
		return nil, err
	}
	return out, nil
}

// Check reads a file as [Load] does, whatever its name is, and returns what is wrong with it.
func Check(file string) error {
	l := newLoader()
	l.load(ref{file: filepath.Clean(file)})
	return l.errs.asError()
}

// Show returns the document of a built-in profile, or a file, as it is.
func Show(name string) ([]byte, error) {
	if isFile(name) {
		return readFile(name)
	}
	r, ok := builtinRef(name)
	if !ok {
		return nil, noBuiltin(name)
	}
	return builtin.ReadFile(r.file)
}

// Builtins returns the built-in profiles, sorted by name.
func Builtins() ([]*Profile, error) {
	return Load(builtinNames())
}

func isFile(name string) bool {
	return strings.ContainsAny(name, `/\`) || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

func builtinNames() []string {
	entries, _ := builtin.ReadDir(strings.TrimSuffix(builtinFolder, "/")) // an embedded folder can be read
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

// A ref says where a document is: a file of the host, or one of ours.
type ref struct {
	file    string
	builtin bool
}

func builtinRef(name string) (ref, bool) {
	return ref{builtinFolder + name + ".yaml", true}, slices.Contains(builtinNames(), name)
}

func noBuiltin(name string) *Error {
	for goos, profile := range defaultNames {
		if name == profile {
			return &Error{File: name, Msg: "no built-in profile for " + goos + " yet", Hint: "give one with --profile FILE"}
		}
	}
	if name == "" {
		return &Error{File: "profile", Msg: "no built-in profile for this system", Hint: "give one with --profile FILE"}
	}
	return &Error{File: name, Msg: "no built-in profile of this name",
		Hint: "built in are " + list(builtinNames()) + "; a file's name ends in .yaml or has a slash"}
}

// readFile reads a file, and one byte more than a document may have at most.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxDocument+1))
}

// A loader reads documents and what they include, each once.
type loader struct {
	read     func(file string) ([]byte, error) // what is not built in
	docs     map[ref]*document
	profiles map[string]*document // by the profile's name
	steps    map[string]place     // where each step's name was met first
	errs     Errors
}

func newLoader() *loader {
	return &loader{read: readFile, docs: map[ref]*document{}, profiles: map[string]*document{}, steps: map[string]place{}}
}

// load returns the profile of a file with all that it includes. What is wrong with it is in l.errs.
func (l *loader) load(r ref) *Profile {
	doc, err := l.open(r)
	if err != nil {
		l.errs = append(l.errs, &Error{File: r.file, Msg: "reading the profile: " + reason(err), err: err})
		return nil
	}
	p := doc.Profile
	l.flatten(&p, doc, nil, map[*document]bool{})
	return &p
}

// reason returns an error without the path, which stands before it already.
func reason(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// open returns the document of a file. An error means that it could not be read, and not that something in it is wrong.
func (l *loader) open(r ref) (*document, error) {
	if doc, ok := l.docs[r]; ok {
		return doc, nil
	}
	read := l.read
	if r.builtin {
		read = builtin.ReadFile
	}
	data, err := read(r.file)
	if err != nil {
		return nil, err
	}
	doc, errs := parseDocument(r.file, data)
	doc.builtin = r.builtin
	sum := sha256.Sum256(data)
	doc.Digest = hex.EncodeToString(sum[:])
	l.errs = append(l.errs, errs...)
	l.docs[r] = doc
	l.register(doc)
	return doc, nil
}

// register refuses names that another document of this load has already.
func (l *loader) register(doc *document) {
	if other, taken := l.profiles[doc.Name]; taken && doc.Name != "" {
		l.errs = append(l.errs, doc.src.errorAt(nil, "give one of them another name", "profile %q is in %s already", doc.Name, other.File))
	}
	l.profiles[doc.Name] = doc
	for _, p := range doc.parts {
		if p.step == nil || p.step.Name == "" {
			continue
		}
		here := place{doc, p.at}
		first, taken := l.steps[p.step.Name]
		if !taken {
			l.steps[p.step.Name] = here
			continue
		}
		if doc.builtin && !first.doc.builtin { // ours can't be changed by who reads this
			first, here = here, first
		}
		l.errs = append(l.errs, here.doc.src.errorAt(here.at, "give it another name", "step %q is in %s already", p.step.Name, first))
	}
}

// A place is where a step stands.
type place struct {
	doc *document
	at  *token.Token
}

func (p place) String() string { return fmt.Sprintf("%s:%d", p.doc.File, p.at.Position.Line) }

// flatten appends the steps of a document, and of what it includes, to a profile. chain holds the documents that led here.
func (l *loader) flatten(p *Profile, doc *document, chain []*document, met map[*document]bool) {
	met[doc] = true
	chain = append(slices.Clip(chain), doc)
	p.addSource(Source{Name: doc.Name, File: doc.File, SHA256: doc.Digest})
	for _, part := range doc.parts {
		if part.step != nil {
			p.addStep(*part.step)
			continue
		}
		if part.include == "" {
			continue
		}
		included, err := l.include(doc, part.include)
		if err != nil {
			e := doc.src.errorAt(part.at, err.hint, "include %q: %s", part.include, err.msg)
			e.err = err.cause
			l.errs = append(l.errs, e)
			continue
		}
		if slices.Contains(chain, included) {
			l.errs = append(l.errs, doc.src.errorAt(part.at, "", "include loop: %s", showChain(chain, included)))
			continue
		}
		switch {
		case part.useCase != nil:
			l.flattenFor(p, part.useCase, included, chain)
		case !met[included]:
			l.flatten(p, included, chain, met)
		}
	}
}

// flattenFor appends only the steps that help to answer one of the questions.
func (l *loader) flattenFor(p *Profile, useCase []string, included *document, chain []*document) {
	var all Profile
	l.flatten(&all, included, chain, map[*document]bool{})
	for _, src := range all.Sources {
		p.addSource(src)
	}
	for _, s := range all.Steps {
		if slices.ContainsFunc(s.UseCase, func(u string) bool { return slices.Contains(useCase, u) }) {
			p.addStep(s)
		}
	}
}

func (p *Profile) addSource(src Source) {
	if !slices.Contains(p.Sources, src) {
		p.Sources = append(p.Sources, src)
	}
}

// addStep appends a step once, whatever the number of ways on which it is included.
func (p *Profile) addStep(s Step) {
	if !slices.ContainsFunc(p.Steps, func(o Step) bool { return o.Name == s.Name && o.Profile == s.Profile }) {
		p.Steps = append(p.Steps, s)
	}
}

func showChain(chain []*document, last *document) string {
	var files []string
	for _, doc := range append(slices.Clip(chain[slices.Index(chain, last):]), last) {
		files = append(files, doc.File)
	}
	return strings.Join(files, " → ")
}

// An unreachable says why an include can't be read.
type unreachable struct {
	msg, hint string
	cause     error
}

// include returns the document that a name in another document stands for: beside it if that is a file, else built in.
func (l *loader) include(from *document, name string) (*document, *unreachable) {
	if !from.builtin {
		for _, file := range beside(from.File, name) {
			doc, err := l.open(ref{file: file})
			if err == nil {
				return doc, nil
			}
			if isFile(name) || !errors.Is(err, fs.ErrNotExist) {
				return nil, &unreachable{msg: file + ": " + reason(err), cause: err}
			}
		}
	}
	if r, ok := builtinRef(name); ok {
		doc, err := l.open(r)
		if err == nil {
			return doc, nil
		}
		return nil, &unreachable{msg: reason(err), cause: err}
	}
	return nil, &unreachable{
		msg:  "no such profile beside this one, and none built in",
		hint: "built in are " + list(builtinNames()) + "; a file is named by its path from here, with .yaml",
	}
}

// beside returns the files that an include can mean.
func beside(from, name string) []string {
	if filepath.IsAbs(name) {
		return []string{filepath.Clean(name)}
	}
	base := filepath.Join(filepath.Dir(from), filepath.FromSlash(name))
	if isFile(name) {
		return []string{base}
	}
	return []string{base + ".yaml", base + ".yml"}
}
