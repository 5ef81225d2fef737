//go:build !amd64 || purego

package ioc

// find reports false: without vectors the tables are faster alone.
func (t *teddy) find([]byte, int, int, func(at int)) bool { return false }
