package cluster

import (
	"fmt"
	"net"
	"os"

	"github.com/vishvananda/netlink"
)

// The addresses of a bed. Its network has no route outside, so every bed has the same ones.
const (
	bridgeName = "br0"
	// gatewayAddress is the bridge's: what runs in the bed but in no pod has it, the API server and the DNS server too.
	gatewayAddress = "10.244.0.1"
	podRange       = "10.244.0.0/16"
	serviceRange   = "10.96.0.0/16"
	// virtualRange is that of services together with the one that load balancers have their addresses from.
	virtualRange      = "10.96.0.0/15"
	apiServiceAddress = "10.96.0.1"
	apiServer         = "https://127.0.0.1:6443"
)

var kernelSettings = map[string]string{
	"ip_forward": "1",
	// Pods reach each other through the bridge's address; telling them of a shorter way would lead them astray.
	"conf/all/send_redirects":                "0",
	"conf/" + bridgeName + "/send_redirects": "0",
}

// buildNetwork makes the network of the namespace we are in. Pods cannot be on the loopback, because the API server refuses such
// addresses in endpoints; they hang on a bridge.
func buildNetwork() error {
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(loopback); err != nil {
		return err
	}
	attributes := netlink.NewLinkAttrs()
	attributes.Name = bridgeName
	bridge := &netlink.Bridge{LinkAttrs: attributes}
	if err := netlink.LinkAdd(bridge); err != nil {
		return fmt.Errorf("failed to make the bridge: %w", err)
	}
	address, err := netlink.ParseAddr(gatewayAddress + "/16")
	if err != nil {
		return err
	}
	if err := netlink.AddrAdd(bridge, address); err != nil {
		return err
	}
	if err := netlink.LinkSetUp(bridge); err != nil {
		return err
	}
	for name, value := range kernelSettings {
		if err := os.WriteFile("/proc/sys/net/ipv4/"+name, []byte(value), 0); err != nil {
			return err
		}
	}
	// A process in no pod needs some route, and with it an address of its own, before kube-proxy's rules see its packets.
	_, virtual, err := net.ParseCIDR(virtualRange)
	if err != nil {
		return err
	}
	return netlink.RouteAdd(&netlink.Route{LinkIndex: bridge.Attrs().Index, Dst: virtual, Scope: netlink.SCOPE_LINK})
}
