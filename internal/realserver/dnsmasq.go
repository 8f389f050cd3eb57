package realserver

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Dnsmasq is a resolver on 127.0.0.1 that knows only what it is told.
type Dnsmasq struct {
	Address string // ip:port
	Proc    *Process
}

// StartDnsmasq starts dnsmasq with lines of its configuration, such as
// "address=/shop.test/192.0.2.7" or "server=/zone.test/127.0.0.1#5300".
func StartDnsmasq(t testing.TB, lines ...string) *Dnsmasq {
	t.Helper()
	bin := Find(t, "dnsmasq", "dnsmasq-base")
	dir := TempDir(t, "")
	port := Port(t)
	conf := filepath.Join(dir, "dnsmasq.conf")
	own := []string{
		"no-daemon", "no-resolv", "no-hosts", "bind-interfaces", "listen-address=127.0.0.1", fmt.Sprintf("port=%d", port),
		"pid-file=" + filepath.Join(dir, "pid"), "log-facility=-", "user=root",
	}
	writeFile(t, conf, strings.Join(append(own, lines...), "\n")+"\n")
	log := filepath.Join(dir, "log")
	d := &Dnsmasq{Address: net.JoinHostPort("127.0.0.1", fmt.Sprint(port))}
	d.Proc = Start(t, "", dir, log, bin, "--conf-file="+conf)
	WaitFor(t, "dnsmasq", 10*time.Second, log, func() error {
		return anyReply(d.Address)
	})
	return d
}

// anyReply asks for the root's name servers, as the protocol writes it, and is
// content with whatever comes back.
func anyReply(address string) error {
	c, err := net.Dial("udp", address)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		return err
	}
	if _, err := c.Write([]byte{0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1}); err != nil {
		return err
	}
	_, err = c.Read(make([]byte, 512))
	return err
}

func replaceAll(text string, by map[string]string) string {
	for k, v := range by {
		text = strings.ReplaceAll(text, k, v)
	}
	return text
}
