package collectors

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"bellwether/collectors/anomaly"
	"bellwether/collectors/procfs"
)

const (
	// portTime bounds the trying of all ports of one protocol.
	portTime = 3 * time.Second
	// portRounds is how often a port has to be found taken and not listed, and portPause what lies between.
	portRounds = 3
	portPause  = 100 * time.Millisecond
	// maxRefused is how many ports in a row may be refused to us before we leave it: each refusal can be a line in an audit log.
	maxRefused = 8
	// unprivileged is the first port that every user may have, unless the host says otherwise.
	unprivileged = 1024
	// maxHiddenPorts bounds how many are confirmed, and sureTime how long that takes for all of one protocol.
	maxHiddenPorts = 256
	sureTime       = 5 * time.Second
)

// A portProbe tries ports of one protocol.
type portProbe struct {
	protocol string
	// taken reports whether a port can't be had because somebody has it; an error means that trying it says nothing.
	taken func(port int) (bool, error)
	// listed returns the ports that the lists show.
	listed func() (map[int]bool, error)
	// sure says why a port that is taken and not listed is a finding, or "" if it may be honest, or the context has ended.
	sure func(ctx context.Context, port int) string
}

// hiddenPorts returns the ports of this network namespace that are taken and stand in no list, and why that is not known of all.
func hiddenPorts(ctx context.Context, fs procfs.FS) (out []anomaly.Port, notes []string) {
	for _, p := range portProbes(fs) {
		numbers, err := p.find(ctx)
		if err != nil {
			notes = append(notes, "ports were not all tried: "+err.Error())
		}
		ports, left := p.confirm(ctx, numbers, sureTime)
		out = append(out, ports...)
		if left > 0 {
			notes = append(notes, fmt.Sprintf("%d %s ports are taken and stand in no list, and it was not tried whether they answer: out of time", left, p.protocol))
		}
	}
	return out, notes
}

// confirm returns those of the ports that are sure to be findings, and how many it had no time for.
func (p portProbe) confirm(ctx context.Context, numbers []int, within time.Duration) (out []anomaly.Port, left int) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for i, n := range numbers {
		how := p.sure(ctx, n)
		if how != "" {
			out = append(out, anomaly.Port{Protocol: p.protocol, Number: n, How: how})
		} else if ctx.Err() != nil {
			return out, len(numbers) - i
		}
	}
	return out, 0
}

// find tries every port that is not listed, and keeps those that stay taken and unlisted in every round: a connection that comes and goes
// is listed while it lasts.
func (p portProbe) find(ctx context.Context) ([]int, error) {
	shown, err := p.listed()
	if err != nil {
		return nil, err
	}
	candidates, failed := p.sweep(ctx, shown)
	for round := 0; round < portRounds && len(candidates) > 0; round++ {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(portPause):
		}
		candidates = p.still(candidates)
		if shown, err = p.listed(); err != nil {
			return nil, err
		}
		var kept []int
		for _, port := range p.still(candidates) {
			if !shown[port] {
				kept = append(kept, port)
			}
		}
		candidates = kept
	}
	return candidates, failed
}

// still returns those of the ports that are taken.
func (p portProbe) still(ports []int) (out []int) {
	for _, port := range ports {
		if taken, err := p.taken(port); err == nil && taken {
			out = append(out, port)
		}
	}
	return out
}

func (p portProbe) sweep(ctx context.Context, shown map[int]bool) (found []int, err error) {
	start, refused := time.Now(), 0
	for port := 1; port < 1<<16 && len(found) < maxHiddenPorts; port++ {
		if port%256 == 0 && (ctx.Err() != nil || time.Since(start) > portTime) {
			return found, fmt.Errorf("out of time at %s port %d", p.protocol, port)
		}
		if shown[port] {
			continue
		}
		taken, e := p.taken(port)
		switch {
		case errors.Is(e, os.ErrPermission) && port < unprivileged:
			err = fmt.Errorf("%s ports below %d are for root", p.protocol, unprivileged)
			port = unprivileged - 1
		case e != nil:
			if refused++; refused >= maxRefused {
				return found, fmt.Errorf("trying %s port %d: %w", p.protocol, port, e)
			}
		case taken:
			found = append(found, port)
			refused = 0
		default:
			refused = 0
		}
	}
	return found, err
}
