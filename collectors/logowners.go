package collectors

import (
	"cmp"
	"container/heap"
	"slices"
)

// logOwners holds logs by their owner: the owner with the most is at the top, and of each the oldest log.
type logOwners struct {
	byUID map[uint32]*ownedLogs
	top   ownersHeap
}

// ownedLogs are the logs of one owner.
type ownedLogs struct {
	uid   uint32
	files logHeap
	index int // in the heap of owners
}

func newLogOwners() logOwners { return logOwners{byUID: map[uint32]*ownedLogs{}} }

func (o *logOwners) add(f *logFile) {
	own, ok := o.byUID[f.uid]
	if !ok {
		own = &ownedLogs{uid: f.uid}
		o.byUID[f.uid] = own
		heap.Push(&o.top, own)
	}
	heap.Push(&own.files, f)
	heap.Fix(&o.top, own.index)
}

// oldest takes out the oldest log of the owner who has the most; nil if there is none.
func (o *logOwners) oldest() *logFile {
	if len(o.top) == 0 {
		return nil
	}
	own := o.top[0]
	out, _ := heap.Pop(&own.files).(*logFile)
	o.settle(own)
	return out
}

// remove takes one log out.
func (o *logOwners) remove(f *logFile) {
	own := o.byUID[f.uid]
	heap.Remove(&own.files, slices.Index(own.files, f))
	o.settle(own)
}

// settle finds the place of an owner who has one log less.
func (o *logOwners) settle(own *ownedLogs) {
	if len(own.files) > 0 {
		heap.Fix(&o.top, own.index)
		return
	}
	heap.Remove(&o.top, own.index)
	delete(o.byUID, own.uid)
}

// An ownersHeap has the owner with the most logs at its top.
type ownersHeap []*ownedLogs

func (h ownersHeap) Len() int { return len(h) }
func (h ownersHeap) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(len(h[j].files), len(h[i].files)), cmp.Compare(h[j].uid, h[i].uid)) < 0
}

func (h ownersHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *ownersHeap) Push(x any) {
	if o, ok := x.(*ownedLogs); ok {
		o.index = len(*h)
		*h = append(*h, o)
	}
}

func (h *ownersHeap) Pop() any {
	n := len(*h) - 1
	out := (*h)[n]
	*h = (*h)[:n]
	return out
}

// A logHeap has the oldest at its top.
type logHeap []*logFile

func (h logHeap) Len() int           { return len(h) }
func (h logHeap) Less(i, j int) bool { return h[i].changed.Before(h[j].changed) }
func (h logHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *logHeap) Push(x any) {
	if f, ok := x.(*logFile); ok {
		*h = append(*h, f)
	}
}

func (h *logHeap) Pop() any {
	n := len(*h) - 1
	out := (*h)[n]
	*h = (*h)[:n]
	return out
}
