package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/quellhq/quell/internal/realserver"
)

var update = flag.Bool("update", false, "rewrite the expected files of the scripts")

// runs CODE[,CODE…] [within=10s] [memory=100MB] PROGRAM ARG… runs a program that must
// end with one of the codes, in that time, and without ever holding more; the
// race detector, which multiplies both, is given raceFactor times the time and
// two and a half times the memory.
func runs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: runs CODE [within=10s] [memory=100MB] PROGRAM ARG…")
	}
	codes := strings.Split(args[0], ",")
	args = args[1:]
	var err error
	within, memory := time.Minute, 0
	for ; strings.Contains(args[0], "="); args = args[1:] {
		name, value, _ := strings.Cut(args[0], "=")
		switch name {
		case "within":
			within, err = time.ParseDuration(value)
			within *= raceFactor
		case "memory":
			memory, err = strconv.Atoi(strings.TrimSuffix(value, "MB"))
			memory += memory * (raceFactor - 1) * 3 / 2
		default:
			ts.Fatalf("runs: %s?", name)
		}
		ts.Check(err)
	}
	peakFile := ts.MkAbs("peak")
	ts.Setenv("QUELL_TEST_PEAK", peakFile)
	start := time.Now()
	err = ts.Exec(args[0], args[1:]...)
	took := time.Since(start)
	ts.Logf("%s took %s\n", strings.Join(args, " "), took.Round(10*time.Millisecond))
	checkCode(ts, err, codes...)
	if took > within {
		ts.Fatalf("took %s, and may take %s", took, within)
	}
	if memory == 0 {
		return
	}
	var kB int
	if _, err := fmt.Sscanf(ts.ReadFile(peakFile), "VmHWM: %d kB", &kB); err != nil {
		ts.Fatalf("read the peak of memory: %v", err)
	}
	ts.Logf("held at most %d MB\n", kB/1024)
	if kB/1024 > memory {
		ts.Fatalf("held %d MB, and may hold %d", kB/1024, memory)
	}
}

func checkCode(ts *testscript.TestScript, err error, want ...string) {
	got := 0
	var failed *exec.ExitError
	switch {
	case errors.As(err, &failed):
		got = failed.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if !slices.Contains(want, strconv.Itoa(got)) {
		ts.Fatalf("exit code %d instead of %s", got, strings.Join(want, " or "))
	}
}

// during MARKER interrupt|kill CODE PROGRAM ARG… runs a program, waits until
// a statement with the marker runs on a database, then interrupts the program
// (the database that is well) or kills the server with all its processes (the
// doomed one), and checks how the program ends. The output goes to the files
// out and err.
func during(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: during MARKER interrupt|kill CODE PROGRAM ARG…")
	}
	path := ""
	for _, dir := range strings.Split(ts.Getenv("PATH"), string(os.PathListSeparator)) {
		if _, err := os.Stat(dir + "/" + args[3]); err == nil {
			path = dir + "/" + args[3]
			break
		}
	}
	cmd := exec.Command(path, args[4:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append([]string{"HOME=" + ts.Getenv("HOME"), "PATH=" + ts.Getenv("PATH")}, world.env...)
	out, err := os.Create(ts.MkAbs("out"))
	ts.Check(err)
	defer func() { _ = out.Close() }()
	errs, err := os.Create(ts.MkAbs("err"))
	ts.Check(err)
	defer func() { _ = errs.Close() }()
	cmd.Stdout, cmd.Stderr = out, errs
	ts.Check(cmd.Start())
	switch args[1] {
	case "interrupt":
		if err = running(world.postgres, args[0]); err == nil {
			err = cmd.Process.Signal(os.Interrupt)
		}
	case "kill":
		if err = running(world.doomed, args[0]); err == nil {
			world.doomed.Kill()
		}
	default:
		err = fmt.Errorf("during: %s?", args[1])
	}
	if err != nil {
		_ = cmd.Process.Kill()
	}
	ended := cmd.Wait()
	ts.Check(err)
	ts.Logf("[stdout]\n%s[stderr]\n%s", ts.ReadFile("out"), ts.ReadFile("err"))
	checkCode(ts, ended, strings.Split(args[2], ",")...)
}

// running waits until a statement with the marker is under way on a server.
func running(server *realserver.Postgres, marker string) error {
	conn, err := server.Dial("postgres", "app", "script")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	defer func() { _ = conn.Close(ctx) }()
	for {
		var n int
		err = conn.QueryRow(ctx, underWay, marker).Scan(&n)
		if err != nil || n > 0 {
			return err
		}
		time.Sleep(20 * time.Millisecond) // a server outside of this process: there is no signal to wait for
	}
}

// idle MARKER checks that the database soon works on no statement with the
// marker. Mostly that is at once; a cancel request that comes in between two
// messages is lost, and then the statement's own timeout of 5 s ends it.
func idle(ts *testscript.TestScript, neg bool, args []string) {
	conn, err := world.postgres.Dial("postgres", "app", "script")
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), 7*time.Second)
	defer cancel()
	defer func() { _ = conn.Close(context.Background()) }()
	for n := 1; n > 0; {
		err := conn.QueryRow(ctx, underWay, args[0]).Scan(&n)
		if err != nil {
			ts.Fatalf("a statement of ours goes on: %v", err)
		}
		time.Sleep(20 * time.Millisecond) // a server outside of this process: there is no signal to wait for
	}
}

// underWay counts the statements with a marker that a server works on.
const underWay = `SELECT count(*) FROM pg_stat_activity
	WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%' || $1 || '%'`

// documented FILE checks that the JSON in FILE has the fields that
// docs/reference/diagnosis.md lists, and no other.
func documented(ts *testscript.TestScript, neg bool, args []string) {
	var doc map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &doc))
	page, err := os.ReadFile("../../docs/reference/diagnosis.md")
	ts.Check(err)
	top := fieldsOf(string(page), "# The JSON of a diagnosis")
	inner := fieldsOf(string(page), "## `diagnosis`")
	finding := fieldsOf(string(page), "## A finding")
	d, _ := doc["diagnosis"].(map[string]any)
	top.check(ts, "the document", doc)
	top.complete(ts, "the document", doc)
	inner.check(ts, "diagnosis", d)
	inner.complete(ts, "diagnosis", d)
	// chain, also and explains stand with the roots only.
	for _, extra := range []string{"chain", "also", "explains"} {
		finding[extra] = nil
	}
	seen := 0
	for _, list := range []string{"roots", "causes", "symptoms", "ruled_out"} {
		items, ok := d[list].([]any)
		if !ok {
			ts.Fatalf("diagnosis.%s is %v, not a list", list, d[list])
		}
		for _, f := range items {
			seen++
			finding.check(ts, list, f.(map[string]any))
		}
	}
	if seen == 0 {
		ts.Fatalf("no finding to check")
	}
}

// fields are the names of a table of the reference page, each with the names
// in its description: those of the objects in it.
type fields map[string]map[string]bool

func fieldsOf(page, heading string) fields {
	_, section, _ := strings.Cut(page, heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	out := fields{}
	for _, line := range strings.Split(section, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		inner := map[string]bool{}
		for _, m := range code.FindAllStringSubmatch(cells[2], -1) {
			inner[strings.TrimSuffix(m[1], "[]")] = true
		}
		for _, m := range code.FindAllStringSubmatch(cells[1], -1) {
			out[strings.TrimSuffix(m[1], "[]")] = inner
		}
	}
	return out
}

var code = regexp.MustCompile("`([^`]+)`")

// structured are the fields whose description lists what is in them.
var structured = []string{"skipped", "costs", "blind_spots", "next", "coverage", "signs", "proposals"}

// check refuses names that the page does not list, one level down too.
func (f fields) check(ts *testscript.TestScript, where string, got map[string]any) {
	for name, v := range got {
		inner, ok := f[name]
		if !ok {
			ts.Fatalf("%s has %q, which the reference page does not list", where, name)
		}
		if !slices.Contains(structured, name) {
			continue
		}
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, item := range list {
			object, _ := item.(map[string]any)
			for field := range object {
				if !inner[field] {
					ts.Fatalf("%s has %q, which the reference page does not list", name, field)
				}
			}
		}
	}
}

// complete refuses a document without a field that the page lists; those two
// stand only where there is something to say.
func (f fields) complete(ts *testscript.TestScript, where string, got map[string]any) {
	for name := range f {
		if _, ok := got[name]; !ok && name != "next" && name != "reported" {
			ts.Fatalf("%s has no %q, which the reference page lists", where, name)
		}
	}
}

// says [in=FILE] TEXT… checks that the last output, or a file, has every text,
// wherever its lines break. A text that begins with ~ is a regular expression.
func says(ts *testscript.TestScript, neg bool, args []string) {
	file := "stdout"
	if name, ok := strings.CutPrefix(args[0], "in="); ok {
		file, args = name, args[1:]
	}
	flat := strings.Join(strings.Fields(ts.ReadFile(file)), " ")
	for _, text := range args {
		found := strings.Contains(flat, text)
		if pattern, ok := strings.CutPrefix(text, "~"); ok {
			found = regexp.MustCompile(pattern).MatchString(flat)
		}
		if found == neg {
			ts.Fatalf("the output says %q: %v", text, neg)
		}
	}
}

// plain FILE checks that a file has no escape codes.
func plain(ts *testscript.TestScript, neg bool, args []string) {
	if strings.Contains(ts.ReadFile(args[0]), "\x1b") {
		ts.Fatalf("%s has escape codes", args[0])
	}
}
