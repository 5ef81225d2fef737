package evidence

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"sync"
)

// memory is a store for tests: a map, with the faults that a test asks for.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
	fail    func(key string, p []byte) error // asked at every write
	commit  func(key string) error           // asked at every commit
}

func newMemory() *memory { return &memory{objects: map[string][]byte{}} }

func (m *memory) Create(_ context.Context, key string, _ Meta) (Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.objects[key]; ok {
		return nil, fs.ErrExist
	}
	return &memoryObject{m: m, key: key}, nil
}

type memoryObject struct {
	m   *memory
	key string
	b   bytes.Buffer
}

func (o *memoryObject) Write(p []byte) (int, error) {
	if o.m.fail != nil {
		if err := o.m.fail(o.key, p); err != nil {
			return 0, err
		}
	}
	return o.b.Write(p)
}

func (o *memoryObject) Commit() error {
	if o.m.commit != nil {
		if err := o.m.commit(o.key); err != nil {
			return err
		}
	}
	o.m.mu.Lock()
	defer o.m.mu.Unlock()
	if _, ok := o.m.objects[o.key]; ok {
		return fs.ErrExist
	}
	o.m.objects[o.key] = o.b.Bytes()
	return nil
}

func (o *memoryObject) Abort() error { return nil }

var errDisk = errors.New("no space left on device")
