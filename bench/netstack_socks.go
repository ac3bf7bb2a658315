// netstack_socks SETTINGS TUNNEL-ADDRESS LISTEN - what bench/run_proxy compares the proxy with
//
// The core of wireproxy: a SOCKS5 server at LISTEN whose connections go through a WireGuard device over
// wireguard-go's network stack. SETTINGS is a file with the device's settings for wireguard-go.
package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun/netstack"
)

const mtu = 1420

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func bringUp(settings, address string) *netstack.Net {
	addr, err := netip.ParseAddr(address)
	check(err)
	tun, stack, err := netstack.CreateNetTUN([]netip.Addr{addr}, nil, mtu)
	check(err)
	dev := device.NewDevice(tun, conn.NewDefaultBind(), device.NewLogger(device.LogLevelError, ""))
	check(dev.IpcSet(settings))
	check(dev.Up())
	return stack
}

// asked reads a client's greeting and its request, which must be CONNECT to an IPv4 address.
func asked(client net.Conn) (netip.AddrPort, error) {
	var head [2]byte
	var request [10]byte
	if _, err := io.ReadFull(client, head[:]); err != nil {
		return netip.AddrPort{}, err
	}
	if _, err := io.ReadFull(client, make([]byte, head[1])); err != nil {
		return netip.AddrPort{}, err
	}
	if _, err := client.Write([]byte{5, 0}); err != nil {
		return netip.AddrPort{}, err
	}
	if _, err := io.ReadFull(client, request[:]); err != nil {
		return netip.AddrPort{}, err
	}
	if request[1] != 1 || request[3] != 1 {
		return netip.AddrPort{}, fmt.Errorf("not CONNECT to an IPv4 address")
	}
	port := uint16(request[8])<<8 | uint16(request[9])
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(request[4:8])), port), nil
}

func copyTo(to, from net.Conn) {
	io.Copy(to, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
}

func serve(client net.Conn, tunnel *netstack.Net) {
	defer client.Close()
	to, err := asked(client)
	if err != nil {
		return
	}
	far, err := tunnel.DialTCPAddrPort(to)
	if err != nil {
		client.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0})
		return
	}
	defer far.Close()
	if _, err := client.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0}); err != nil {
		return
	}
	done := make(chan bool)
	go func() {
		copyTo(far, client)
		done <- true
	}()
	copyTo(client, far)
	<-done
}

func main() {
	settings, err := os.ReadFile(os.Args[1])
	check(err)
	tunnel := bringUp(string(settings), os.Args[2])
	listener, err := net.Listen("tcp", os.Args[3])
	check(err)
	fmt.Println("ready")
	for {
		client, err := listener.Accept()
		check(err)
		go serve(client, tunnel)
	}
}
