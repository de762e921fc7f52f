package kubelet

import (
	"fmt"
	"sync"
)

// A node's pods have the addresses from firstHost to lastHost in its own /24.
const (
	firstHost = 2
	lastHost  = 254
)

// addressPool hands out the addresses of one node's pods. A new pod gets a new address for as long as there are any: whoever still
// talks to the old one must find nobody there, not somebody else.
type addressPool struct {
	prefix string
	mu     sync.Mutex
	next   int
	used   map[string]bool
}

func newAddressPool(node int) *addressPool {
	return &addressPool{prefix: fmt.Sprintf("10.244.%d.", node), next: firstHost, used: map[string]bool{}}
}

func (a *addressPool) take() (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for range lastHost - firstHost + 1 {
		address := fmt.Sprint(a.prefix, a.next)
		if a.next++; a.next > lastHost {
			a.next = firstHost
		}
		if !a.used[address] {
			a.used[address] = true
			return address, nil
		}
	}
	return "", fmt.Errorf("all addresses in %s0/24 are taken", a.prefix)
}

func (a *addressPool) release(address string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.used, address)
}
