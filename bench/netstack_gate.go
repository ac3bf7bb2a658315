// netstack_gate SETTINGS GATE-ADDRESS TUNNEL-ADDRESS PORT TO - what bench/run compares a gate with
//
// Two WireGuard devices, each over a network stack in this process, as rootless servers have them: a
// TCP connection to GATE-ADDRESS:PORT ends here, and goes on as another one from TUNNEL-ADDRESS to
// TO:PORT. SETTINGS is a file with the settings of both devices for wireguard-go, with an empty line
// between them.
package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

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

func copyTo(to, from net.Conn) {
	io.Copy(to, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
}

func forward(near net.Conn, tunnel *netstack.Net, to *net.TCPAddr) {
	defer near.Close()
	far, err := tunnel.DialTCP(to)
	if err != nil {
		return
	}
	defer far.Close()
	done := make(chan bool)
	go func() {
		copyTo(far, near)
		done <- true
	}()
	copyTo(near, far)
	<-done
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	check(err)
	settings := strings.SplitN(string(text), "\n\n", 2)
	port, err := strconv.Atoi(os.Args[4])
	check(err)
	gate := bringUp(settings[0]+"\n", os.Args[2])
	tunnel := bringUp(strings.TrimSpace(settings[1])+"\n", os.Args[3])
	listener, err := gate.ListenTCP(&net.TCPAddr{Port: port})
	check(err)
	fmt.Println("ready")
	for {
		near, err := listener.Accept()
		check(err)
		go forward(near, tunnel, &net.TCPAddr{IP: net.ParseIP(os.Args[5]), Port: port})
	}
}
