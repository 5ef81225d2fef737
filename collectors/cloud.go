package collectors

import (
	"context"
	"io"
	"path"
	"strings"

	"bellwether/imds"
	"bellwether/profiles"
)

// cloud asks the metadata service of the instance who it is, within a second, and never for credentials.
type cloud struct {
	env  *Env
	step profiles.Step
}

func newCloud(env *Env, step profiles.Step) Collector { return &cloud{env, step} }

// mayHoldSecrets is what the manifest says of what an owner has put into an instance's metadata.
const mayHoldSecrets = "the owner's own: it can hold secrets"

// Collect implements [Collector].
func (c *cloud) Collect(ctx context.Context, sink Sink) error {
	report, err := imds.New(c.env.MetadataEndpoint).Read(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		// No cloud is the usual reason, so that this is no failure of the run.
		return sink.Add(&Item{
			Step: c.step.Name, Collector: c.step.Collector, Source: "instance metadata", Status: Skipped, SizeHint: -1,
			Reason: "no metadata service answers: " + strings.ReplaceAll(err.Error(), "\n", "; "),
		}, nil)
	}
	t := table[imds.Fact]{name: "cloud", source: "instance metadata of " + report.Provider, rows: report.Facts, columns: []column[imds.Fact]{
		{"provider", func(f imds.Fact) string { return f.Provider }},
		{"name", func(f imds.Fact) string { return f.Name }},
		{"value", func(f imds.Fact) string { return f.Value }},
		{"error", func(f imds.Fact) string { return f.Error }},
	}}
	if err := t.keep(ctx, sink, c.step, nil); err != nil {
		return err
	}
	for _, d := range report.Documents {
		if err := c.document(sink, d); err != nil {
			return err
		}
	}
	return nil
}

// document keeps an answer as it came.
func (c *cloud) document(sink Sink, d imds.Document) error {
	item := &Item{
		Step: c.step.Name, Collector: c.step.Collector, Source: "instance metadata: " + d.Path, Name: path.Join("cloud", d.Name),
		SizeHint: int64(len(d.Text)), Perm: 0o600,
	}
	if d.Secret {
		item.Reason = mayHoldSecrets
	}
	return sink.Add(item, func(w io.Writer) error {
		_, err := io.WriteString(w, d.Text)
		return err
	})
}
