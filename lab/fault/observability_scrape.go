package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// watched changes one file of Prometheus' configuration and lets it read it.
func watched(s *stack.Stack, file string, edit func(text string) string) (Heal, error) {
	path := s.Path("etc", file)
	was, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("change %s: %w", file, err)
	}
	text := edit(string(was))
	if text == string(was) {
		return nil, fmt.Errorf("change %s: nothing was changed", file)
	}
	write := func(text []byte) error {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return fmt.Errorf("change %s: %w", file, err)
		}
		return s.Prometheus.Signal(syscall.SIGHUP)
	}
	return func(context.Context) error { return write(was) }, write([]byte(text))
}

// scrapeTargetWrong is a slip in the scrape configuration.
func scrapeTargetWrong() Fault {
	return Fault{
		Name: "scrape-target-wrong", Group: "Observability", Cause: "C-scrape-target-wrong",
		About:      "an address in the scrape configuration is mistyped: a port on which nothing listens, or a name that does not exist",
		Truth:      one("observability/scrape#the-scrape-configuration-names-a-wrong-address"),
		LookAlikes: []string{"C-exporter-down", "C-scrape-blocked"},
		Settle:     15 * time.Second,
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			right := fmt.Sprintf("127.0.0.1:%d", pick(r, s.Port.RedisExporter, s.Port.PostgresExporter, s.Port.NodeExporter, s.Port.A))
			wrong := pick(r, "127.0.0.1:"+strconv.Itoa(between(r, 2, 900)), "metrics.invalid:9100")
			return watched(s, "prometheus.yml", func(text string) string { return strings.Replace(text, `"`+right+`"`, `"`+wrong+`"`, 1) })
		},
	}
}

// scrapeBlocked is a firewall that drops what goes to one exporter.
func scrapeBlocked() Fault {
	return Fault{
		Name: "scrape-blocked", Group: "Observability", Cause: "C-scrape-blocked",
		About:      "a firewall drops what goes to the port of an exporter",
		Truth:      one("observability/scrape#the-way-to-the-endpoint-is-blocked"),
		LookAlikes: []string{"C-exporter-down", "C-scrape-target-wrong", "C-metrics-endpoint-broken"},
		Needs:      []string{"root", "iptables"}, Settle: 15 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			port := strconv.Itoa(pick(r, s.Port.RedisExporter, s.Port.PostgresExporter, s.Port.NodeExporter))
			return s.Firewall(ctx, "-i lo -p tcp --dport "+port+" -j DROP")
		},
	}
}

// metricsBroken is a release after which the page of metrics is none.
func metricsBroken() Fault {
	return Fault{
		Name: "metrics-endpoint-broken", Group: "Observability", Cause: "C-metrics-endpoint-broken",
		About:      "a release moves the page of metrics, lets it fail, or puts something else there",
		Truth:      one("observability/scrape#the-page-of-metrics-is-broken"),
		LookAlikes: []string{"C-scrape-target-wrong", "C-bad-deploy"},
		Settle:     15 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			const page = "    return Response(measure.page(), media_type=\"text/plain; version=0.0.4\")\n"
			return released(ctx, s, "Tidy up the page of metrics", []stack.Edit{pick(
				r,
				stack.Edit{File: "orders/main.py", Old: `@app.get("/metrics")`, New: `@app.get("/internal/metrics")`},
				stack.Edit{File: "orders/main.py", Old: page, New: "    return Response(measure.pages(), media_type=\"text/plain; version=0.0.4\")\n"},
				stack.Edit{File: "orders/main.py", Old: page, New: "    return Response(\"<html><body>Please log in</body></html>\", media_type=\"text/html\")\n"},
			)})
		},
	}
}

// exporterDown is an exporter that has ended.
func exporterDown() Fault {
	return Fault{
		Name: "exporter-down", Group: "Observability", Cause: "C-exporter-down",
		About:      "an exporter is killed, and nobody starts it again",
		Truth:      one("observability/scrape#the-exporter-is-down"),
		LookAlikes: []string{"C-scrape-target-wrong", "C-scrape-blocked", "C-redis-down"},
		Settle:     15 * time.Second,
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			p := pick(r, s.RedisExporter, s.PostgresExporter, s.NodeExporter)
			p.Kill()
			return func(context.Context) error { return p.Start() }, nil
		},
	}
}

// exporterBlind is an exporter with an old password.
func exporterBlind() Fault {
	return Fault{
		Name: "exporter-blind", Group: "Observability", Cause: "C-exporter-down",
		About:      "the exporter of Redis is restarted with an old password: it runs and measures nothing",
		Truth:      one("observability/scrape#the-exporter-does-not-reach-what-it-watches"),
		LookAlikes: []string{"C-redis-down", "C-redis-auth-mismatch"},
		Settle:     15 * time.Second,
		Inject: func(_ context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			return nil, before(s.RedisExporter, "export REDIS_PASSWORD=last-years")
		},
	}
}
