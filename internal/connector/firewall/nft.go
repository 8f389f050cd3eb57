package firewall

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/child"
)

// errDenied is a kernel that does not let us.
var errDenied = errors.New("the kernel does not let quell use nftables: run it as root or with CAP_NET_ADMIN")

// list reads our table. That it is not there is no error. Errors are
// *action.Unavailable.
func (t *target) list(ctx context.Context) (rules, error) {
	const largest = 4 << 20
	r, err := child.Run(ctx, child.Command{Argv: []string{t.config.Binary, "-j", "list", "table", "inet", t.config.table}, Env: child.Environment(nil), Most: largest})
	switch said := string(r.Stderr); {
	case err != nil:
		return rules{}, t.unavailable("%s", err)
	case r.Code != 0 && strings.Contains(said, "No such file or directory"):
		return rules{}, nil
	case r.Code != 0 && strings.Contains(said, "Operation not permitted"):
		return rules{}, t.unavailable("%s", errDenied)
	case r.Code != 0:
		return rules{}, t.unavailable("%s", firstLine(said))
	case r.Cut:
		return rules{}, t.unavailable("the table is larger than %d bytes", largest)
	}
	out, err := readRules(r.Stdout)
	if err != nil {
		return out, t.unavailable("%s", err)
	}
	if out.foreign != "" {
		return out, action.Refuse("name another table in the target's settings", "table %s holds %s, which is not quell's", t.config.Table, out.foreign)
	}
	return out, nil
}

func (t *target) unavailable(format string, args ...any) error {
	return &action.Unavailable{Text: fmt.Sprintf("ask %s for table %s: ", t.config.Binary, t.config.Table) + fmt.Sprintf(format, args...)}
}

// run carries out a script as one transaction: all of it happens, or nothing.
// The error is an *action.Failure of which nothing happened, or one after which
// nobody knows.
func (t *target) run(ctx context.Context, script []string) error {
	text := strings.Join(script, "\n") + "\n"
	r, err := child.Run(ctx, child.Command{Argv: []string{t.config.Binary, "-f", "-"}, Env: child.Environment(nil), Stdin: strings.NewReader(text)})
	switch said := string(r.Stderr); {
	case errors.Is(err, child.ErrNotStarted):
		return action.NotYet("change table %s: %s", t.config.Table, err)
	case err != nil:
		return fmt.Errorf("change table %s: %w", t.config.Table, err)
	case r.Code != 0 && strings.Contains(said, "Operation not permitted"):
		return action.Not("change table %s: %s", t.config.Table, errDenied)
	case r.Code != 0:
		return action.Not("change table %s: %s", t.config.Table, firstLine(said))
	}
	return nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// identity names the network that the rules hold in: containers have their own.
func (t *target) identity() string {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	network, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		network = "its network"
	}
	return fmt.Sprintf("nftables table %s on %s, %s", t.config.Table, host, network)
}
