package imds

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// readingTime is for all questions of [Service.Read] together.
	readingTime = time.Second
	// atOnce is how many questions are under way at a time.
	atOnce = 8
	// maxList bounds of how many tags, interfaces and events is read.
	maxList = 64
	// maxValue bounds a fact, in bytes. Documents are as long as they are.
	maxValue = 4 << 10
)

// A Fact is one thing that the service says of the instance.
type Fact struct {
	Provider string `json:"provider"`        // aws, azure or gcp
	Name     string `json:"name"`            // the same word for all providers: instance_id, account, region, zone, image, role, tag:NAME …
	Value    string `json:"value"`           // as it came, or JSON
	Path     string `json:"path"`            // what was asked for
	Error    string `json:"error,omitempty"` // why there is no value
}

// A Document is an answer that is kept as it came.
type Document struct {
	Name   string // of the file to keep it in: user-data.txt
	Path   string // what was asked for
	Text   string
	Secret bool // it is the user's own, and may hold secrets
}

// A Report is all that a service said.
type Report struct {
	Provider  string
	Facts     []Fact
	Documents []Document
}

// A provider knows the questions for the service of one cloud. It returns an error if the service is not its own.
type provider struct {
	name string
	read func(context.Context, *reader) error
}

var providers = []provider{{"aws", readEC2}, {"azure", readAzure}, {"gcp", readGCE}}

// Read asks the service who this instance is, as all three clouds at once, within a second altogether. It never asks for credentials.
// The error says for each cloud why its service did not answer.
func (s *Service) Read(ctx context.Context) (Report, error) {
	ctx, cancel := context.WithTimeout(ctx, readingTime)
	defer cancel()
	readers := make([]*reader, len(providers))
	failures := make([]error, len(providers))
	var all sync.WaitGroup
	for i, p := range providers {
		readers[i] = &reader{service: s, report: Report{Provider: p.name}}
		all.Go(func() { failures[i] = p.read(ctx, readers[i]) })
	}
	all.Wait()
	for i, err := range failures {
		if err == nil {
			return readers[i].report, nil
		}
		failures[i] = fmt.Errorf("%s: %w", providers[i].name, err)
	}
	return Report{}, errors.Join(failures...)
}

// A reader asks one cloud's questions and gathers the answers.
type reader struct {
	service       *Service
	header, value string // that every question carries
	report        Report
}

// A question has a name for its answer.
type question struct{ name, path string }

// ask asks one question. What would answer with credentials is refused here, whoever has put the path together.
func (r *reader) ask(ctx context.Context, path string) (string, error) {
	if lower := strings.ToLower(path); strings.Contains(lower, "credential") || strings.Contains(lower, "token") || strings.Contains(lower, "oauth") ||
		strings.Contains(lower, "/identity") && !strings.HasSuffix(lower, "/instance-identity/document") {
		return "", fmt.Errorf("%s: it may answer with credentials, and is not asked for", path)
	}
	return r.service.fetch(ctx, http.MethodGet, path, r.header, r.value)
}

// answers asks questions side by side and adds a fact for each that has an answer, in their order.
func (r *reader) answers(ctx context.Context, questions []question) {
	facts := make([]*Fact, len(questions))
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, q := range questions {
		g.Go(func() error {
			value, err := r.ask(ctx, q.path)
			facts[i] = r.fact(q, value, err)
			return nil
		})
	}
	_ = g.Wait()
	for _, f := range facts {
		if f != nil {
			r.report.Facts = append(r.report.Facts, *f)
		}
	}
}

// fact returns nil where there is nothing to say.
func (r *reader) fact(q question, value string, err error) *Fact {
	value = strings.TrimSpace(value)
	f := &Fact{Provider: r.report.Provider, Name: q.name, Path: q.path, Value: value}
	switch {
	case errors.Is(err, ErrAbsent) || err == nil && value == "":
		return nil
	case err != nil:
		f.Error = err.Error()
	case len(value) > maxValue:
		f.Value = strings.ToValidUTF8(value[:maxValue], "")
		f.Error = fmt.Sprintf("cut: %d bytes", len(value))
	}
	return f
}

// add adds a fact that an answer to another question holds.
func (r *reader) add(name, value, path string) {
	if f := r.fact(question{name, path}, value, nil); f != nil {
		r.report.Facts = append(r.report.Facts, *f)
	}
}

// document asks for what is kept as it comes.
func (r *reader) document(ctx context.Context, d Document) {
	text, err := r.ask(ctx, d.Path)
	switch {
	case errors.Is(err, ErrAbsent) || err == nil && text == "":
		return
	case err != nil:
		r.report.Facts = append(r.report.Facts, *r.fact(question{d.Name, d.Path}, "", err))
		return
	}
	d.Text = text
	r.report.Documents = append(r.report.Documents, d)
}

// list returns the lines of an answer that can be a part of another question's path: the service may be an attacker's.
func list(answer string) []string {
	var out []string
	for line := range strings.Lines(answer) {
		line = strings.TrimSuffix(strings.TrimSpace(line), "/")
		if line == "" || strings.Trim(line, ".") == "" || strings.ContainsFunc(line, notInSegment) {
			continue
		}
		if out = append(out, line); len(out) == maxList {
			break
		}
	}
	return out
}

// notInSegment is what neither a MAC address nor the name of a tag has, see "View tags for your EC2 instances using instance metadata".
func notInSegment(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("+-=.,_:@", r))
}

// watched returns a context that notices whether a request was sent out in full: then somebody is there.
func watched(ctx context.Context) (context.Context, *atomic.Bool) {
	var sent atomic.Bool
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(info httptrace.WroteRequestInfo) { sent.Store(info.Err == nil) },
	}), &sent
}
