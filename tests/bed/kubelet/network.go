package kubelet

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The routing table of addresses that are the machine's own.
const localTable = 255

// podNetwork makes and removes the pods' network namespaces. Each is kept by a file that it is mounted on.
type podNetwork struct {
	folder  string
	bridge  string
	gateway string
}

func (n podNetwork) file(name string) string { return filepath.Join(n.folder, name) }

// linkName is the bridge's end of a pod's cable; a link's name has at most 15 letters.
func linkName(name string) string { return "pod" + name }

// addNode gives the bridge a node's address too.
func (n podNetwork) addNode(address string) error {
	bridge, err := netlink.LinkByName(n.bridge)
	if err != nil {
		return err
	}
	return netlink.AddrReplace(bridge, &netlink.Addr{IPNet: single(address)})
}

func single(address string) *net.IPNet {
	return &net.IPNet{IP: net.ParseIP(address), Mask: net.CIDRMask(32, 32)}
}

// add makes a namespace with one interface, which has the address alone and sends everything to the bridge: a pod on a flat network
// would look for a deleted neighbour itself, for seconds, where the bridge's side can say at once that nobody is there.
func (n podNetwork) add(name, address string) error {
	if err := os.MkdirAll(n.folder, 0o755); err != nil {
		return err
	}
	if err := n.answerFor(address, false); err != nil {
		return err
	}
	if err := newNamespace(n.file(name)); err != nil {
		return fmt.Errorf("failed to make a network namespace: %w", err)
	}
	namespace, err := os.Open(n.file(name))
	if err != nil {
		return err
	}
	defer namespace.Close()
	bridge, err := netlink.LinkByName(n.bridge)
	if err != nil {
		return err
	}
	attributes := netlink.NewLinkAttrs()
	attributes.Name, attributes.MasterIndex = linkName(name), bridge.Attrs().Index
	cable := &netlink.Veth{LinkAttrs: attributes, PeerName: "eth0", PeerNamespace: netlink.NsFd(namespace.Fd())}
	if err := netlink.LinkAdd(cable); err != nil {
		return fmt.Errorf("failed to make a veth pair: %w", err)
	}
	if err := netlink.LinkSetUp(cable); err != nil {
		return err
	}
	// A pod may reach itself over its Service.
	if err := netlink.LinkSetHairpin(cable, true); err != nil {
		return err
	}
	return inNamespace(namespace, func() error { return n.configure(address) })
}

// configure sets up the inside of a pod's namespace.
func (n podNetwork) configure(address string) error {
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(loopback); err != nil {
		return err
	}
	inner, err := netlink.LinkByName("eth0")
	if err != nil {
		return err
	}
	if err := netlink.AddrAdd(inner, &netlink.Addr{IPNet: single(address)}); err != nil {
		return err
	}
	if err := netlink.LinkSetUp(inner); err != nil {
		return err
	}
	index := inner.Attrs().Index
	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: index, Dst: single(n.gateway), Scope: netlink.SCOPE_LINK}); err != nil {
		return err
	}
	return netlink.RouteAdd(&netlink.Route{LinkIndex: index, Gw: net.ParseIP(n.gateway)})
}

// remove takes a pod's network away. Its address becomes one of the outer namespace, which answers with a reset at once: peers
// that still talk to it must not wait for their time-outs.
func (n podNetwork) remove(name, address string) error {
	errAnswer := n.answerFor(address, true)
	if link, err := netlink.LinkByName(linkName(name)); err == nil {
		_ = netlink.LinkDel(link)
	}
	return errors.Join(errAnswer, removeNamespace(n.file(name)))
}

// answerFor makes an address one of ours, or not.
func (n podNetwork) answerFor(address string, answer bool) error {
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	route := &netlink.Route{LinkIndex: loopback.Attrs().Index, Dst: single(address), Table: localTable, Type: unix.RTN_LOCAL, Scope: netlink.SCOPE_HOST}
	if answer {
		return netlink.RouteReplace(route)
	}
	if err := netlink.RouteDel(route); err != nil && !errors.Is(err, unix.ESRCH) {
		return err
	}
	return nil
}

// removeAll takes away what an earlier kubelet left: its pods have died with it.
func (n podNetwork) removeAll() error {
	entries, err := os.ReadDir(n.folder)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if link, errLink := netlink.LinkByName(linkName(entry.Name())); errLink == nil {
			_ = netlink.LinkDel(link)
		}
		err = errors.Join(err, removeNamespace(n.file(entry.Name())))
	}
	return err
}

// newNamespace makes a network namespace and mounts it on a file, which keeps it.
func newNamespace(path string) error {
	if err := os.WriteFile(path, nil, 0o444); err != nil {
		return err
	}
	made := make(chan error)
	go func() {
		// Never unlocked: a thread in another namespace is of no use to anybody else, and ends with this function.
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			err = unix.Mount(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()), path, "", unix.MS_BIND, "")
		}
		made <- err
	}()
	return <-made
}

func removeNamespace(path string) error {
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// inNamespace calls a function on a thread that is in a network namespace.
func inNamespace(namespace *os.File, do func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET)
		if err == nil {
			err = do()
		}
		done <- err
	}()
	return <-done
}
