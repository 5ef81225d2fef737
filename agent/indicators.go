package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"bellwether/agent/evidence"
	"bellwether/agent/ioc"
)

// tapFor makes the tap that scans for indicators.
func tapFor(set *ioc.Set, find func(evidence.Finding)) evidence.Tap {
	return func(name string) io.WriteCloser {
		return set.Scan(name, func(h ioc.Hit) { find(findingOf(name, h)) })
	}
}

func findingOf(name string, h ioc.Hit) evidence.Finding {
	return evidence.Finding{
		Kind: evidence.IOC, Indicator: h.Indicator.Value, Type: string(h.Indicator.Type), Source: h.Indicator.Sources, Severity: "high",
		Name: name, Line: h.Line, Offset: h.Offset, Text: string(h.Text), Inside: h.Inside,
	}
}

// loadIndicators reads all lists; "-" is standard input. It returns nil if there are none.
func loadIndicators(files []string, stdin io.Reader) (*ioc.Set, error) {
	if len(files) == 0 {
		return nil, nil
	}
	var all []ioc.Indicator
	for _, name := range files {
		list, err := loadList(name, stdin)
		if err != nil {
			return nil, withHint(exitUsage, err, hintIndicators)
		}
		all = append(all, list...)
	}
	set, err := ioc.NewSet(all)
	if err != nil {
		return nil, withHint(exitUsage, fmt.Errorf("indicators: %w", err), hintIndicators)
	}
	if set.Len() == 0 {
		return nil, usageError(hintIndicators, "no indicator in %s", strings.Join(files, ", "))
	}
	return set, nil
}

func loadList(name string, stdin io.Reader) ([]ioc.Indicator, error) {
	if name == "-" {
		return ioc.ReadList("stdin", stdin)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening the indicators: %w", err)
	}
	defer f.Close()
	return ioc.ReadList(name, f)
}
