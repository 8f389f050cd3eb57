package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// recordWrong lets the service's name lead elsewhere, or nowhere.
func recordWrong() Fault {
	return Fault{
		Name: "record-wrong", Group: "Edge", Cause: "C-dns-record-wrong",
		About:      "the record of the service's name was removed, or leads to an old address",
		Truth:      one("edge/dns#the-record-points-to-the-wrong-place", "edge/dns#the-record-is-missing"),
		LookAlikes: []string{"C-lb-network-fault", "C-cert-misconfigured"},
		Needs:      []string{"dnsmasq"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			record := pick(r, "local=/orders.test/", fmt.Sprintf("address=/orders.test/127.0.0.%d", between(r, 2, 250)))
			server, err := names(ctx, s, record)
			if err != nil {
				return nil, err
			}
			err = s.EditQuell(func(yaml string) string {
				yaml = strings.Replace(yaml, "front, web-a", "front, name, web-a", 1)
				return strings.Replace(yaml, "targets:\n", fmt.Sprintf("targets:\n  name: {kind: dns, name: orders.test, resolvers: [%q], authorities: [%[1]q], expect: [127.0.0.1], timeout: 500ms}\n", server), 1)
			})
			return nil, err
		},
	}
}

// names starts a server of names that knows one record, for as long as ctx lasts.
func names(ctx context.Context, s *stack.Stack, record string) (address string, err error) {
	port, err := freePort()
	if err != nil {
		return "", err
	}
	log, err := os.Create(s.Path("log", "dnsmasq.log"))
	if err != nil {
		return "", fmt.Errorf("start dnsmasq: %w", err)
	}
	cmd := exec.CommandContext(ctx, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces", "--listen-address=127.0.0.1",
		fmt.Sprintf("--port=%d", port), "--pid-file="+s.Path("run", "dnsmasq.pid"), "--log-facility=-", "--user=root", "--"+record)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		log.Close()
		return "", fmt.Errorf("start dnsmasq: %w", err)
	}
	go func() { _ = cmd.Wait(); log.Close() }()
	time.Sleep(300 * time.Millisecond)
	return fmt.Sprintf("127.0.0.1:%d", port), nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
