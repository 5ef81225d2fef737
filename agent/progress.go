package main

import (
	"io"
	"sync"
	"time"

	"bellwether/agent/evidence"
	"bellwether/profiles"
)

// Progress is told this often.
const (
	onTerminal = 200 * time.Millisecond
	onPipe     = 30 * time.Second
)

// A progress tells on stderr how far a run is: one line that changes on a terminal, a line now and then elsewhere.
type progress struct {
	mu     sync.Mutex
	state  progressState
	ticker *time.Ticker
	done   chan struct{}
	ended  chan struct{}
}

// A progressState is what there is to tell.
type progressState struct {
	step     string
	started  int // steps
	steps    int
	items    int
	bytes    int64
	began    time.Time
	terminal bool
}

// newProgress starts to tell, until stop. A quiet one tells nothing.
func newProgress(u *ui, quiet bool, steps int) *progress {
	p := &progress{state: progressState{steps: steps, began: time.Now()}}
	if quiet {
		return p
	}
	every := onPipe
	if isTerminal(u.err) {
		every, p.state.terminal = onTerminal, true
	}
	p.ticker = time.NewTicker(every)
	p.done, p.ended = make(chan struct{}), make(chan struct{})
	go p.tell(u.err)
	return p
}

func (p *progress) tell(w io.Writer) {
	defer close(p.ended)
	for {
		select {
		case <-p.done:
			return
		case <-p.ticker.C:
			p.mu.Lock()
			s := p.state
			p.mu.Unlock()
			_, _ = io.WriteString(w, progressLine(s))
		}
	}
}

// stop ends the telling, and waits for its last word. It may be called again.
func (p *progress) stop() {
	if p.done == nil {
		return
	}
	p.ticker.Stop()
	close(p.done)
	<-p.ended
	p.done = nil
}

func (p *progress) step(s profiles.Step) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.step = s.Name
	p.state.started++
}

func (p *progress) line(l evidence.Line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.items++
	if l.Size != nil {
		p.state.bytes += *l.Size
	}
}
