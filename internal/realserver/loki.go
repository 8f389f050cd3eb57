package realserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// LokiEnv names the environment variable with the path of a Loki binary. No
// package has one: scripts/loki builds it, which takes minutes, so only who
// sets the variable runs against it.
const LokiEnv = "QUELL_LOKI"

// Loki is a Loki server without any log.
type Loki struct{ URL string }

// LokiBare are limits_config with which Loki takes lines of any age, adds no
// labels of its own and evaluates a query as a whole.
const LokiBare = "reject_old_samples: false, discover_log_levels: false, discover_service_name: [], split_queries_by_interval: 0s"

// StartLoki starts the server that QUELL_LOKI names, and skips the test, loudly,
// where it names none. limits are what limits_config says beside the defaults,
// as in LokiBare. It takes some ten seconds until it answers.
func StartLoki(t testing.TB, limits string) *Loki {
	t.Helper()
	binary := os.Getenv(LokiEnv)
	if binary == "" {
		message := LokiEnv + ` names no Loki: set it to the path of one, as in QUELL_LOKI="$(scripts/loki)"`
		fmt.Fprintf(os.Stderr, "\n*** SKIPPED %s: %s\n\n", t.Name(), message)
		t.Skip(message)
	}
	dir := TempDir(t, "")
	port, grpc := Port(t), Port(t)
	config := filepath.Join(dir, "loki.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, lokiConfig, port, grpc, dir, limits), 0o600); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "loki.log")
	Start(t, "", dir, log, binary, "-config.file="+config)
	l := &Loki{URL: "http://127.0.0.1:" + strconv.Itoa(port)}
	WaitFor(t, "loki", time.Minute, log, func() error {
		status, body, err := l.Get("/ready", nil)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("status %d: %s", status, body)
		}
		return err
	})
	return l
}

// lokiConfig is a server in one process that keeps what it has in files.
const lokiConfig = `auth_enabled: false
server: {http_listen_address: 127.0.0.1, http_listen_port: %d, grpc_listen_address: 127.0.0.1, grpc_listen_port: %d, log_level: warn}
common:
  instance_addr: 127.0.0.1
  path_prefix: %[3]s/data
  storage: {filesystem: {chunks_directory: %[3]s/data/chunks, rules_directory: %[3]s/data/rules}}
  replication_factor: 1
  ring: {kvstore: {store: inmemory}}
schema_config: {configs: [{from: 2020-10-24, store: tsdb, object_store: filesystem, schema: v13, index: {prefix: index_, period: 24h}}]}
ingester: {lifecycler: {min_ready_duration: 0s, final_sleep: 0s}}
limits_config: {%[4]s}
query_range: {cache_results: false, parallelise_shardable_queries: false}
analytics: {reporting_enabled: false}
`

// LokiLine is one line at a time in nanoseconds since 1970.
type LokiLine struct {
	At   int64
	Text string
}

// Push sends lines of one stream, oldest first, and fails the test where they
// are not taken.
func (l *Loki) Push(t testing.TB, labels map[string]string, lines []LokiLine) {
	t.Helper()
	values := [][2]string{}
	for _, line := range lines {
		values = append(values, [2]string{strconv.FormatInt(line.At, 10), line.Text})
	}
	body, err := json.Marshal(map[string]any{"streams": []any{map[string]any{"stream": labels, "values": values}}})
	if err != nil {
		t.Fatal(err)
	}
	reply, err := http.Post(l.URL+"/loki/api/v1/push", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reply.Body.Close() }()
	if text, _ := io.ReadAll(reply.Body); reply.StatusCode != http.StatusNoContent {
		t.Fatalf("loki does not take the lines: %d %s", reply.StatusCode, text)
	}
}

// Flush writes what was pushed to the store. Lines older than some hours are
// looked for there only.
func (l *Loki) Flush(t testing.TB) {
	t.Helper()
	reply, err := http.Post(l.URL+"/flush", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = reply.Body.Close()
}

// Get asks the server and returns its status and what it says.
func (l *Loki) Get(path string, params url.Values) (int, []byte, error) {
	reply, err := http.Get(l.URL + path + "?" + params.Encode())
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = reply.Body.Close() }()
	body, err := io.ReadAll(reply.Body)
	return reply.StatusCode, body, err
}
