//go:build !amd64 || purego

package ioc

// canTeddy tells that without vectors other ways are faster.
func canTeddy() bool { return false }

func (t *teddy) find([]byte, int, int, *hitList) {}
