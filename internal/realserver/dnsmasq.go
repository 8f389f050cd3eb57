package realserver

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
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
		m := new(dns.Msg)
		m.SetQuestion("ready.invalid.", dns.TypeA)
		_, _, err := (&dns.Client{Timeout: 200 * time.Millisecond}).Exchange(m, d.Address)
		return err
	})
	return d
}

func replaceAll(text string, by map[string]string) string {
	for k, v := range by {
		text = strings.ReplaceAll(text, k, v)
	}
	return text
}
