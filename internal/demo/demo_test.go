package demo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/quellhq/quell/internal/demo"
	"github.com/quellhq/quell/internal/realserver"
)

// TestMain runs this binary as the shop's process where it is called so.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "demo-shop" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		err := demo.Serve(ctx, os.Args[2])
		stop()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// command is this binary as the shop's process.
func command(t *testing.T) []string {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	return []string{program, "demo-shop"}
}

// open starts a shop with few past orders, which starts quickly.
func open(t *testing.T, orders int) *demo.Shop {
	t.Helper()
	shop, err := demo.Start(t.Context(), demo.Options{Command: command(t), Orders: orders, Rate: visitorsPerSecond})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, shop.Close()) })
	return shop
}

// page is one reading of /metrics: name with labels → value.
type page map[string]float64

func read(t *testing.T, shop *demo.Shop) page {
	t.Helper()
	_, url := shop.Service()
	body := get(t, url+"/metrics")
	p := page{}
	for line := range strings.Lines(body) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "#") {
			continue
		}
		cut := strings.LastIndexByte(line, ' ')
		require.Positive(t, cut, line)
		v, err := strconv.ParseFloat(line[cut+1:], 64)
		require.NoError(t, err, line)
		require.NotContains(t, p, line[:cut], "a series stands there twice")
		p[line[:cut]] = v
	}
	return p
}

func get(t *testing.T, url string) string {
	t.Helper()
	return call(t, http.MethodGet, url, "")
}

// call is what an operator does to the shop.
func call(t *testing.T, method, url, body string) string {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	answer, err := client.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode, string(said))
	return string(said)
}

// sum adds the series of a metric whose labels hold all the texts.
func (p page) sum(name string, texts ...string) float64 {
	total := 0.0
	for series, v := range p {
		if !strings.HasPrefix(series, name+"{") {
			continue
		}
		fits := true
		for _, text := range texts {
			fits = fits && strings.Contains(series, text)
		}
		if fits {
			total += v
		}
	}
	return total
}

// mean is the mean of a histogram between two readings.
func mean(a, b page, name string, texts ...string) float64 {
	count := b.sum(name+"_count", texts...) - a.sum(name+"_count", texts...)
	if count == 0 {
		return 0
	}
	return (b.sum(name+"_sum", texts...) - a.sum(name+"_sum", texts...)) / count
}

// rolledBack goes back to the release before.
func rolledBack(t *testing.T, shop *demo.Shop) {
	t.Helper()
	_, url := shop.Service()
	call(t, http.MethodPut, url+"/admin/release", `{"previous": true}`)
	require.Contains(t, get(t, url+"/admin/release"), `"previous":true`)
}

// cures are what an operator can do about a fault; the others end with Mend.
var cures = map[string]func(*testing.T, *demo.Shop){
	"pool-leak": rolledBack, "cache-stampede": rolledBack, "n-plus-one": rolledBack, "bad-release": rolledBack,
	"dead-worker": rolledBack, "memory-leak": rolledBack, "unbounded-cache": rolledBack,
	"pool-too-small": func(t *testing.T, shop *demo.Shop) {
		_, url := shop.Service()
		call(t, http.MethodPut, url+"/admin/pool", `{"size": 10}`)
	},
	"lock-pileup": func(t *testing.T, shop *demo.Shop) {
		_, url := shop.Service()
		call(t, http.MethodDelete, url+"/admin/blocker", "")
	},
	"slow-dependency": chargeLater, "dependency-down": chargeLater,
	"poison-job": func(t *testing.T, shop *demo.Shop) {
		_, url := shop.Service()
		failing := map[string]bool{}
		for line := range strings.Lines(logOf(t, shop)) {
			if id := jobID.FindStringSubmatch(line); id != nil {
				failing[id[1]] = true
			}
		}
		ids := strings.Join(slices.Sorted(maps.Keys(failing)), ",")
		call(t, http.MethodPut, url+"/admin/jobs/aside/"+ids, "")
		require.Contains(t, get(t, url+"/admin/jobs/aside/"+ids), "true")
	},
}

var jobID = regexp.MustCompile(`"message":"job failed".*"job_id":(\d+)`)

func logOf(t *testing.T, shop *demo.Shop) string {
	t.Helper()
	text, err := os.ReadFile(shop.Log())
	require.NoError(t, err)
	return string(text)
}

func chargeLater(t *testing.T, shop *demo.Shop) {
	t.Helper()
	_, url := shop.Service()
	call(t, http.MethodPut, url+"/admin/charges", `{"later": true}`)
}

// Each fault must do in the shop what its story says, and what an operator can
// do about it must end that, by all that visitors and the shop know.
func TestEachFaultDoesWhatItsStorySays(t *testing.T) {
	t.Parallel()
	// sick reports from two readings whether the fault shows.
	faults := map[string]func(a, b page) bool{
		"pool-leak": func(_, b page) bool {
			return b.sum("go_sql_in_use_connections") >= 10 && b.sum("http_requests_total", `status="503"`) > 0
		},
		"pool-too-small": func(a, b page) bool {
			return b.sum("go_sql_max_open_connections") == 1 && b.sum("go_sql_wait_count_total")-a.sum("go_sql_wait_count_total") > 5
		},
		"missing-index": func(a, b page) bool {
			return mean(a, b, "db_query_duration_seconds", `statement="orders_by_customer"`) > 1.6*mean(a, b, "db_query_duration_seconds", `statement="price_of_product"`)
		},
		"lock-pileup": func(_, b page) bool {
			return b.sum("db_query_errors_total", `error_type="LockTimeout"`, `statement="insert_order"`) > 0
		},
		"slow-dependency": func(a, b page) bool { return mean(a, b, "http_client_request_duration_seconds") > 0.5 },
		"dependency-down": func(_, b page) bool {
			return b.sum("http_client_requests_total", `status="503"`) > 3 && b.sum("http_requests_total", `status="502"`) > 3
		},
		"cache-stampede": func(a, b page) bool {
			return b.sum("cache_requests_total", `cache="front"`, `result="miss"`)-a.sum("cache_requests_total", `cache="front"`, `result="miss"`) > 4
		},
		"n-plus-one": func(a, b page) bool {
			requests := b.sum("http_requests_total") - a.sum("http_requests_total")
			return b.sum("db_query_duration_seconds_count")-a.sum("db_query_duration_seconds_count") > 4*requests && requests > 20
		},
		"traffic-spike": func(a, b page) bool { return b.sum("http_requests_total")-a.sum("http_requests_total") > 1000 },
		"bad-release": func(_, b page) bool {
			return b.sum("http_requests_total", `version="1.8.1"`, `status="500"`) > 0 &&
				b.sum("http_requests_total", `version="1.8.0"`, `status="500"`) == 0 && b.sum("app_build_info", `version="1.8.1"`) == 1
		},
		"dead-worker": func(_, b page) bool { return b.sum("job_workers") == 0 && b.sum("job_queue_depth") > 5 },
		"poison-job": func(_, b page) bool {
			return b.sum("jobs_processed_total", `status="failed"`) > 20 && b.sum("job_workers") == 3 && b.sum("job_queue_depth") > 5
		},
		"memory-leak": func(a, b page) bool {
			return b.sum("process_resident_memory_bytes")-a.sum("process_resident_memory_bytes") > 20e6
		},
		"unbounded-cache": func(_, b page) bool { return b.sum("cache_entries", `cache="page"`) > 100 },
	}
	var known []string
	for _, f := range demo.Faults() {
		known = append(known, f.Name)
		require.Contains(t, faults, f.Name, "a fault without a test")
		require.NotEmpty(t, f.Title)
		require.NotEmpty(t, f.Story)
		require.NotEmpty(t, f.Truth)
	}
	require.Len(t, known, len(faults))

	for name, sick := range faults {
		t.Run(name, func(t *testing.T) {
			orders := 2000
			switch name {
			case "missing-index", "cache-stampede":
				orders = manyOrders
			case "n-plus-one":
				orders = 60_000 // enough of them for each customer
			}
			shop := open(t, orders)
			before := read(t, shop)
			require.NoError(t, shop.Break(t.Context(), name))
			wait(t, name+" to show", func() error {
				if sick(before, read(t, shop)) {
					return nil
				}
				return errNotYet
			})
			if cure := cures[name]; cure != nil {
				cure(t, shop)
				healthy(t, shop)
			}
			require.NoError(t, shop.Mend(t.Context()))
			healthy(t, shop)
		})
	}
}

// wait polls the shop until ready returns nil.
func wait(t *testing.T, what string, ready func() error) {
	t.Helper()
	realserver.WaitFor(t, what, time.Minute, "", ready)
}

type notYet struct{}

func (notYet) Error() string { return "not yet" }

var errNotYet = notYet{}

// healthy waits until the shop answers for a while without an error, with its
// connections free and its jobs done.
func healthy(t *testing.T, shop *demo.Shop) {
	t.Helper()
	last := read(t, shop)
	wait(t, "the shop to be well again", func() error {
		now := read(t, shop)
		// Requests that were under way end with the fault's errors, so an
		// interval of requests without any is looked for.
		answered := now.sum("http_requests_total") - last.sum("http_requests_total")
		if answered < 0 {
			last = now // another process counts from nothing
		}
		if answered < 10 {
			return errNotYet
		}
		failed := now.sum("http_requests_total", `status="5`) - last.sum("http_requests_total", `status="5`)
		slow := mean(last, now, "http_request_duration_seconds") > 0.1
		last = now
		if failed > 0 || slow || now.sum("job_workers") != 3 || now.sum("go_sql_in_use_connections") > 6 || now.sum("job_queue_depth") > 20 {
			return errNotYet
		}
		trouble, err := shop.Trouble(t.Context())
		if err == nil && trouble != "" {
			return errors.New(trouble)
		}
		return err
	})
}

func TestAHealthyShopServesWithoutErrors(t *testing.T) {
	shop := open(t, 2000)
	wait(t, "200 requests", func() error {
		if read(t, shop).sum("http_requests_total") > 200 {
			return nil
		}
		return errNotYet
	})
	p := read(t, shop)
	require.Zero(t, p.sum("http_requests_total", `status="5`))
	require.Equal(t, 3.0, p.sum("job_workers"))
	require.Equal(t, 10.0, p.sum("go_sql_max_open_connections"))
	require.Positive(t, p.sum("jobs_processed_total", `status="ok"`))
	require.Positive(t, p.sum("process_resident_memory_bytes"))
	require.InDelta(t, float64(time.Now().Unix()), p.sum("process_start_time_seconds"), 60)
	_, url := shop.Service()
	require.Contains(t, get(t, url+"/health"), `"ok"`)
	require.Contains(t, get(t, url+"/version"), "1.8.0")
}

func TestHistogramsAreCumulativeAndComplete(t *testing.T) {
	shop := open(t, 2000)
	wait(t, "a request for a product", func() error {
		if read(t, shop).sum("http_request_duration_seconds_count", `path="/products"`) > 5 {
			return nil
		}
		return errNotYet
	})
	p := read(t, shop)
	last, bounds := 0.0, 0
	for _, bound := range []string{"0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "+Inf"} {
		v := p.sum("http_request_duration_seconds_bucket", `path="/products"`, `le="`+bound+`"`)
		require.GreaterOrEqual(t, v, last, "le=%s", bound)
		last = v
		bounds++
	}
	require.Equal(t, 13, bounds)
	require.Equal(t, p.sum("http_request_duration_seconds_count", `path="/products"`), last)
}

func TestTheLogIsJSONLines(t *testing.T) {
	shop := open(t, 2000)
	require.NoError(t, shop.Break(t.Context(), "dependency-down"))
	wait(t, "a failed request", func() error {
		if read(t, shop).sum("http_requests_total", `status="502"`) > 0 {
			return nil
		}
		return errNotYet
	})
	failed := false
	for text := range strings.Lines(logOf(t, shop)) {
		var line struct {
			Time, Level, Service, Version, Message, Path string
			ErrorType                                    string  `json:"error_type"`
			RequestID                                    string  `json:"request_id"`
			Duration                                     float64 `json:"duration_ms"`
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			continue // the last line may be half written
		}
		require.Equal(t, demo.Name, line.Service)
		require.NotEmpty(t, line.Time)
		require.NotEmpty(t, line.Message)
		require.Contains(t, []string{"info", "warn", "error"}, line.Level)
		if line.ErrorType == "PaymentUnavailable" {
			failed = true
			require.Equal(t, "/checkout", line.Path)
			require.NotEmpty(t, line.RequestID)
			require.Positive(t, line.Duration)
		}
	}
	require.True(t, failed, "no line tells of the failed request")
}

func TestBreakRefusesWhatItCannotDo(t *testing.T) {
	shop := open(t, 2000)
	require.ErrorContains(t, shop.Break(t.Context(), "locusts"), "pool-leak")
	require.NoError(t, shop.Mend(t.Context()), "mending what is not broken")
	require.NoError(t, shop.Break(t.Context(), "n-plus-one"))
	require.ErrorContains(t, shop.Break(t.Context(), "pool-leak"), "broken already")
	require.NoError(t, shop.Mend(t.Context()))
	require.NoError(t, shop.Break(t.Context(), "pool-leak"))
}

// truth is a part of what the shop's process says of itself.
type truth struct {
	PID     int
	Version string
	Bugs    []string
}

func truthOf(t *testing.T, shop *demo.Shop) (now truth) {
	t.Helper()
	_, url := shop.Service()
	require.NoError(t, json.Unmarshal([]byte(get(t, url+"/demo/truth")), &now))
	return now
}

// A restart is another process. What is deployed stays, mistakes and all, and
// so do the jobs that wait; what was in memory is gone.
func TestARestartIsAnotherProcessOfTheSameRelease(t *testing.T) {
	shop := open(t, 2000)
	require.NoError(t, shop.Break(t.Context(), "memory-leak"))
	before := truthOf(t, shop)
	require.Equal(t, []string{"memory-leak"}, before.Bugs)
	require.NoError(t, syscall.Kill(before.PID, syscall.SIGTERM))
	wait(t, "its end", func() error {
		if syscall.Kill(before.PID, 0) != nil {
			return nil
		}
		return errNotYet
	})
	words := command(t)
	next := exec.Command(words[0], append(words[1:], filepath.Dir(shop.Log()))...)
	require.NoError(t, next.Start())
	ended := make(chan error, 1)
	go func() { ended <- next.Wait() }()
	var after truth
	wait(t, "the next process", func() error {
		answer, err := http.Get(urlOf(shop) + "/health")
		if err != nil {
			return err
		}
		return answer.Body.Close()
	})
	after = truthOf(t, shop)
	require.Equal(t, next.Process.Pid, after.PID)
	require.Equal(t, before.Bugs, after.Bugs)
	require.Equal(t, before.Version, after.Version)
	require.Contains(t, logOf(t, shop), `"message":"started"`)

	require.NoError(t, shop.Close(), "whoever has started it, it ends with the shop")
	select {
	case err := <-ended:
		require.NoError(t, err)
	case <-time.After(10 * time.Second):
		t.Fatal("it lives on")
	}
	http.DefaultClient.CloseIdleConnections()
}

func urlOf(shop *demo.Shop) string { _, url := shop.Service(); return url }

// Another release is the same process with another program and new memory, and
// no visitor is turned away meanwhile.
func TestARollBackTurnsNobodyAway(t *testing.T) {
	shop := open(t, 2000)
	require.NoError(t, shop.Break(t.Context(), "n-plus-one"))
	before := truthOf(t, shop)
	rolledBack(t, shop)
	after := truthOf(t, shop)
	require.Equal(t, before.PID, after.PID)
	require.Equal(t, "1.7.9", after.Version)
	require.Empty(t, after.Bugs)
	wait(t, "visitors of the other release", func() error {
		if read(t, shop).sum("http_requests_total", `version="1.7.9"`, `status="200"`) > 20 {
			return nil
		}
		return errNotYet
	})
	trouble, err := shop.Trouble(t.Context())
	require.NoError(t, err)
	require.NotContains(t, trouble, "error")
	call(t, http.MethodPut, urlOf(shop)+"/admin/release", `{"previous": false}`)
	require.Equal(t, []string{"one-per-row"}, truthOf(t, shop).Bugs, "going forward brings the mistake back")
}

func TestCloseTwiceAndNothingIsLeftBehind(t *testing.T) {
	shop, err := demo.Start(t.Context(), demo.Options{Command: command(t), Orders: 500})
	require.NoError(t, err)
	log, process := shop.Log(), truthOf(t, shop).PID
	require.FileExists(t, log)
	require.NoError(t, shop.Close())
	require.NoError(t, shop.Close())
	require.NoFileExists(t, log)
	require.Error(t, syscall.Kill(process, 0), "its process has ended")
}

func TestADirectoryThatWasGivenIsKept(t *testing.T) {
	dir := t.TempDir()
	shop, err := demo.Start(t.Context(), demo.Options{Command: command(t), Orders: 500, Dir: dir})
	require.NoError(t, err)
	require.NoError(t, shop.Close())
	require.FileExists(t, shop.Log())
	_, err = demo.Start(t.Context(), demo.Options{Command: command(t), Dir: dir + "/is/not/there"})
	require.Error(t, err)
}

func TestAShopThatDoesNotStartSaysWhy(t *testing.T) {
	_, err := demo.Start(t.Context(), demo.Options{})
	require.ErrorContains(t, err, "which program")
	_, err = demo.Start(t.Context(), demo.Options{Command: []string{"/bin/sh", "-c", "echo no such luck >&2; exit 3", "sh"}})
	require.ErrorContains(t, err, "no such luck")
	require.ErrorContains(t, demo.Serve(t.Context(), t.TempDir()), "no shop was opened")
}
