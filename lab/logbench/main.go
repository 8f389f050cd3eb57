// Logbench times `quell logs` on five shapes of query beside the tools that
// people use today, in one run on the same file, and checks that the counts
// agree. It prints ratios: this machine's gigabytes per second are nobody
// else's.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	quell := flag.String("quell", "./quell", "the binary")
	pure := flag.String("pure", "", "the binary built with -tags purego, without assembly")
	sizes := flag.String("mb", "100,1000", "sizes of the log, in MB")
	runs := flag.Int("n", 5, "runs of each; the median counts")
	flag.Parse()
	if err := bench(*quell, *pure, *sizes, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "logbench:", err)
		os.Exit(1)
	}
}

func bench(quell, pure, sizes string, runs int) error {
	dir, err := os.MkdirTemp("", "quell-logbench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	wrong := 0
	for _, text := range strings.Split(sizes, ",") {
		mb, err := strconv.ParseInt(text, 10, 64)
		if err != nil || mb < 1 {
			return fmt.Errorf("%q is not a size in MB", text)
		}
		b := &run{quell: quell, pure: pure, runs: runs, log: filepath.Join(dir, "app.log"), clean: filepath.Join(dir, "clean.log")}
		if err := generate(b.log, b.clean, mb*1e6); err != nil {
			return err
		}
		if err := b.all(mb); err != nil {
			return err
		}
		wrong += b.wrong
	}
	if wrong > 0 {
		return fmt.Errorf("%d counts differ between engines", wrong)
	}
	return nil
}

// run is one size.
type run struct {
	quell, pure string
	log, clean  string
	runs        int
	bytes       int64
	raw         float64 // GB/s
	wrong       int
}

func (b *run) all(mb int64) error {
	info, err := os.Stat(b.log)
	if err != nil {
		return err
	}
	b.bytes = info.Size()
	rates := make([]float64, b.runs)
	for i := range rates {
		if rates[i], err = b.rawRead(); err != nil {
			return err
		}
	}
	b.raw = median(rates)
	fmt.Printf("\n%d MB from the page cache, 2 workers at most; medians of %d runs. Raw read in chunks of 1 MiB: %.2f GB/s\n\n", mb, b.runs, b.raw)
	fmt.Println("| shape | matches | quell | pure Go | GB/s | of the raw read | peak RSS | times jq | grep and jq | encoding/json loop | ripgrep alone | DuckDB | counts |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, s := range shapes {
		if err := b.shape(s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	for _, s := range shapes {
		fmt.Printf("\n%s: %s\n    %s\n", s.name, s.about, s.logql)
	}
	return b.window()
}

func (b *run) shape(s shape) error {
	mine, peak, found, err := b.median(b.quell, s)
	if err != nil {
		return err
	}
	plain := "–"
	if b.pure != "" {
		t, _, again, err := b.median(b.pure, s)
		if err != nil {
			return err
		}
		if d := again.differs(found, shape{totals: s.totals}); d != "" {
			return fmt.Errorf("with and without assembly: %s", d)
		}
		plain = fmt.Sprintf("%.0f ms", t*1e3)
	}
	ratio := func(peer float64, ok bool) string {
		if !ok {
			return "–"
		}
		return fmt.Sprintf("%.0f×", peer/mine)
	}
	loop, loopTook, err := b.loop(s)
	if err != nil {
		return err
	}
	verdict := "agree"
	if d := found.differs(loop, s); d != "" {
		verdict = "**differ: " + d + "**"
		b.wrong++
	}
	t, ok, err := b.peer(fmt.Sprintf("jq -r %s %s", quote(s.jq), quote(b.clean)), loop)
	if err != nil {
		return err
	}
	jq, grep := ratio(t, ok), "–"
	if s.grep != "" {
		t, ok, err := b.peer(fmt.Sprintf("grep -E %s %s | jq -r %s", quote(s.grep), quote(b.clean), quote(s.jq)), loop)
		if err != nil {
			return err
		}
		grep = ratio(t, ok)
	}
	rg, duck := "–", "–"
	if s.grep != "" {
		if t, ok := b.time("rg", fmt.Sprintf("rg -c %s %s", quote(s.grep), quote(b.log))); ok {
			rg = ratio(t, ok)
		}
	}
	sql := fmt.Sprintf("WITH log AS (SELECT * FROM read_ndjson_auto('%s', ignore_errors=true)) %s", b.log, s.sql)
	if t, ok := b.time("duckdb", "duckdb -c "+quote(sql)); ok {
		duck = ratio(t, ok)
	}
	rate := float64(b.bytes) / mine / 1e9
	fmt.Printf("| %s | %d | %.0f ms | %s | %.2f | %.0f %% | %d MB | %s | %s | %s | %s | %s | %s |\n",
		s.name, loop.count, mine*1e3, plain, rate, 100*rate/b.raw, peak>>10, jq, grep, ratio(loopTook, true), rg, duck, verdict)
	return nil
}

// median times a binary, and returns its peak memory in KiB and what it found.
func (b *run) median(quell string, s shape) (seconds float64, peak int64, found tally, err error) {
	took := make([]float64, b.runs)
	for i := range took {
		began := time.Now()
		answer, rss, err := b.ask(quell, s)
		if err != nil {
			return 0, 0, found, err
		}
		took[i] = time.Since(began).Seconds()
		peak, found = max(peak, rss), *answer
	}
	return median(took), peak, found, nil
}

// ask runs quell, and returns what it found and its peak memory in KiB.
func (b *run) ask(quell string, s shape) (*tally, int64, error) {
	form := "--raw"
	if s.totals {
		form = "--json"
	}
	out, err := os.Create(b.log + ".answer")
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = out.Close() }()
	// A child's peak is at least that of its parent, so nothing large is ever held here.
	cmd := exec.Command(quell, "logs", s.logql, b.log, form, "--limit", "0", "--timezone", "UTC")
	var chatter bytes.Buffer
	cmd.Stdout, cmd.Stderr = out, &chatter
	err = cmd.Run()
	if err != nil && cmd.ProcessState.ExitCode() != 1 { // 1: nothing matched
		return nil, 0, fmt.Errorf("%w: %s", err, chatter.String())
	}
	_, err = out.Seek(0, io.SeekStart)
	answer := newTally()
	if err == nil {
		answer, err = readAnswer(out, s)
	}
	return &answer, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss, err
}

func readAnswer(out io.Reader, s shape) (tally, error) {
	t := newTally()
	if !s.totals {
		lines := bufio.NewReader(out)
		for {
			switch _, err := lines.ReadSlice('\n'); {
			case err == nil:
				t.count++
			case errors.Is(err, io.EOF):
				return t, nil
			case !errors.Is(err, bufio.ErrBufferFull):
				return t, err
			}
		}
	}
	var answer struct {
		Series []struct {
			Labels map[string]string `json:"labels"`
			Points []struct {
				Value float64 `json:"value"`
			} `json:"points"`
		} `json:"series"`
	}
	if err := json.NewDecoder(out).Decode(&answer); err != nil {
		return t, err
	}
	for _, one := range answer.Series {
		for _, v := range one.Labels {
			t.sums[v] = one.Points[0].Value
		}
	}
	return t, nil
}

// differs compares quell's answer with the loop's.
func (t tally) differs(loop tally, s shape) string {
	if !s.totals {
		if t.count != loop.count {
			return fmt.Sprintf("%d and %d", t.count, loop.count)
		}
		return ""
	}
	if len(t.sums) != len(loop.sums) {
		return fmt.Sprintf("%d and %d groups", len(t.sums), len(loop.sums))
	}
	for key, sum := range loop.sums {
		want := sum
		if strings.HasPrefix(s.logql, "avg") {
			want /= float64(loop.n[key])
		}
		if math.Abs(t.sums[key]-want) > 1e-9*math.Abs(want) {
			return fmt.Sprintf("%s is %g and %g", key, t.sums[key], want)
		}
	}
	return ""
}

// loop is timed once: it takes seconds.
func (b *run) loop(s shape) (tally, float64, error) {
	began := time.Now()
	t, err := plainLoop(b.log, s)
	return t, time.Since(began).Seconds(), err
}

// peer runs a shell line once, and checks how many lines it gives.
func (b *run) peer(line string, loop tally) (seconds float64, ok bool, err error) {
	if _, err := exec.LookPath("jq"); err != nil {
		return 0, false, nil
	}
	began := time.Now()
	cmd := exec.Command("sh", "-c", line)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, false, err
	}
	if err := cmd.Start(); err != nil {
		return 0, false, err
	}
	found, err := readAnswer(out, shape{}) // lines are lines, whoever wrote them
	if err = errors.Join(err, cmd.Wait()); err != nil {
		return 0, false, fmt.Errorf("%s: %w", line, err)
	}
	seconds = time.Since(began).Seconds()
	if found.count != loop.count {
		fmt.Printf("(%s gives %d lines, the loop %d)\n", line, found.count, loop.count)
		b.wrong++
	}
	return seconds, true, nil
}

// time runs a shell line where its program is installed.
func (b *run) time(program, line string) (float64, bool) {
	if _, err := exec.LookPath(program); err != nil {
		return 0, false
	}
	began := time.Now()
	_ = exec.Command("sh", "-c", line).Run() // rg ends with 1 where it finds nothing
	return time.Since(began).Seconds(), true
}

// window shows how little of an ordered file a question about a few minutes reads.
func (b *run) window() error {
	noon := dayStart.Add(12 * time.Hour)
	cmd := exec.CommandContext(context.Background(), b.quell, "logs", `{service=~".+"} | json | level="ERROR"`, b.log, "--raw", "--timezone", "UTC",
		"--from", noon.Format(time.RFC3339), "--until", noon.Add(5*time.Minute).Format(time.RFC3339))
	var chatter bytes.Buffer
	cmd.Stderr = &chatter
	began := time.Now()
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%w: %s", err, chatter.String())
	}
	fmt.Printf("\nfive minutes of the day: %d lines in %.0f ms; quell says: %s\n", bytes.Count(out, []byte("\n")), time.Since(began).Seconds()*1e3, strings.TrimSpace(chatter.String()))
	return nil
}

// rawRead reads the file with two workers and looks at nothing: the limit.
func (b *run) rawRead() (float64, error) {
	file, err := os.Open(b.log)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	var next atomic.Int64
	var busy sync.WaitGroup
	began := time.Now()
	for range 2 {
		busy.Go(func() {
			data := make([]byte, 1<<20)
			for {
				at := (next.Add(1) - 1) << 20
				if at >= b.bytes {
					return
				}
				_, _ = file.ReadAt(data, at) // the last one is short
			}
		})
	}
	busy.Wait()
	return float64(b.bytes) / time.Since(began).Seconds() / 1e9, nil
}

func median(list []float64) float64 {
	sorted := append([]float64(nil), list...)
	sort.Float64s(sorted)
	return sorted[len(sorted)/2]
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
