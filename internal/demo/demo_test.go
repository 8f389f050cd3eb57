package demo_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/quellhq/quell/internal/demo"
	"github.com/quellhq/quell/internal/realserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open starts a shop with few past orders, which starts quickly.
func open(t *testing.T, orders int) *demo.Shop {
	t.Helper()
	shop, err := demo.Start(t.Context(), demo.Options{Orders: orders, Rate: visitorsPerSecond})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, shop.Close()) })
	return shop
}

// page is one reading of /metrics: name with labels → value.
type page map[string]float64

func read(t *testing.T, shop *demo.Shop) page {
	t.Helper()
	body := get(t, shop.Config().Metrics)
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
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	answer, err := client.Get(url)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode, string(body))
	return string(body)
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

// Each fault must do in the shop what its story says, and Mend must end it.
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
			require.NoError(t, shop.Break(name))
			wait(t, name+" to show", func() error {
				if sick(before, read(t, shop)) {
					return nil
				}
				return errNotYet
			})
			require.NoError(t, shop.Mend())
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
		if answered < 10 {
			return errNotYet
		}
		failed := now.sum("http_requests_total", `status="5`) - last.sum("http_requests_total", `status="5`)
		slow := mean(last, now, "http_request_duration_seconds") > 0.1
		last = now
		if failed > 0 || slow || now.sum("job_workers") != 3 || now.sum("go_sql_in_use_connections") > 6 || now.sum("job_queue_depth") > 20 {
			return errNotYet
		}
		return nil
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
	require.Contains(t, get(t, url+shop.Config().Health), `"ok"`)
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
	require.NoError(t, shop.Break("dependency-down"))
	wait(t, "a failed request", func() error {
		if read(t, shop).sum("http_requests_total", `status="502"`) > 0 {
			return nil
		}
		return errNotYet
	})
	file, err := os.Open(shop.Config().Logs)
	require.NoError(t, err)
	defer file.Close()
	lines, failed := bufio.NewScanner(file), false
	for lines.Scan() {
		var line struct {
			Time, Level, Service, Version, Message, Path string
			ErrorType                                    string  `json:"error_type"`
			RequestID                                    string  `json:"request_id"`
			Duration                                     float64 `json:"duration_ms"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
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
	require.ErrorContains(t, shop.Break("locusts"), "pool-leak")
	require.NoError(t, shop.Mend(), "mending what is not broken")
	require.NoError(t, shop.Break("n-plus-one"))
	require.ErrorContains(t, shop.Break("pool-leak"), "broken already")
	require.NoError(t, shop.Mend())
	require.NoError(t, shop.Break("pool-leak"))
}

func TestCloseTwiceAndNothingIsLeftBehind(t *testing.T) {
	shop, err := demo.Start(t.Context(), demo.Options{Orders: 500})
	require.NoError(t, err)
	log := shop.Config().Logs
	require.FileExists(t, log)
	require.NoError(t, shop.Close())
	require.NoError(t, shop.Close())
	require.NoFileExists(t, log)
}

func TestADirectoryThatWasGivenIsKept(t *testing.T) {
	dir := t.TempDir()
	shop, err := demo.Start(t.Context(), demo.Options{Orders: 500, Dir: dir})
	require.NoError(t, err)
	require.NoError(t, shop.Close())
	require.FileExists(t, shop.Config().Logs)
	_, err = demo.Start(t.Context(), demo.Options{Dir: dir + "/is/not/there"})
	require.Error(t, err)
}
