package uploader

import "time"

// What tests outside of the package have to see.

func (s *engine) PoolPeak() int64 {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	return int64(s.pool.peak) * chunkSize
}

// PoolUsed returns the bytes that objects hold now.
func (s *engine) PoolUsed() int64 {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	return int64(s.pool.used) * chunkSize
}

// SetStall says how long nothing may move.
func (s *engine) SetStall(d time.Duration) { s.stall = d }

// SetPage has a source ask for n objects at once.
func (s *source) SetPage(n int) { s.page = n }

// SetStall says how long nothing may move.
func (s *S3Source) SetStall(d time.Duration) { s.client.clock.next.(*stallGuard).after = d }

// TicketWhere is what a store for the ticket says of its place.
func TicketWhere(t Ticket) string {
	return (&Presigned{ticket: &TicketSource{ticket: t, valid: true}}).String()
}

// PoolPeak returns the most bytes that the object stores of a fan have held.
func (f *Fan) PoolPeak() int64 { return f.multi.PoolPeak() }

// PoolUsed returns the bytes that they hold now.
func (f *Fan) PoolUsed() int64 { return f.multi.PoolUsed() }
