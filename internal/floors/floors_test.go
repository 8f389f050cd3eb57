// Package floors holds the import rule as a test: imports go down only, edges
// never import one another, and each outside library has one home. It reads the
// files with go/parser, since a test that shells out to `go list` is cached as
// passing after the files have changed.
package floors_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/quellhq/quell/"

// floors is the house from the ground up. A package may import what stands on
// a lower floor; on its own floor only what the lists below allow. Change this
// table in the same commit as the reason.
var floors = []struct {
	name     string
	packages []string
	// ordered: each package may also import those left of it on its floor.
	ordered bool
}{
	{"words", []string{"internal/secret/shape", "internal/secret", "internal/evidence", "internal/onset", "internal/alert"}, true},
	{"faces", []string{"internal/probe", "internal/expr", "internal/action", "internal/connector"}, true},
	{"mind", []string{"internal/change", "internal/playbook", "internal/diagnosis", "internal/policy", "internal/approval", "internal/plan", "internal/verification", "internal/rehearsal"}, true},
	// a chart is drawn of evidence alone; the report places it
	{"record", []string{"internal/incident", "internal/chart", "internal/report"}, true},
	{"run", []string{"internal/recovery", "internal/run", "internal/execution"}, true},
	{"edges", []string{"internal/connector/*", "internal/logql", "internal/logql/logfile", "internal/logql/pattern", "internal/logql/spike", "internal/logql/auth", "internal/logql/attack", "internal/logql/request", "internal/logql/gateway", "internal/logtext", "internal/series", "internal/demo", "internal/discover", "internal/keyring", "internal/store"}, false},
	{"wiring", []string{"internal/connector/all", "internal/config", "internal/app", "internal/cli", "cmd/quell"}, true},
}

// besides are single imports that the floors alone would refuse, each with its reason.
var besides = map[string][]string{
	// a connector may use the query engine that it serves
	"internal/connector/logs": {"internal/logql", "internal/logql/logfile", "internal/logtext"},
	// what lines of logs are asked, wherever they come from
	"internal/logtext": {"internal/logql", "internal/logql/pattern", "internal/logql/spike", "internal/logql/auth", "internal/logql/attack", "internal/logql/request", "internal/logql/gateway"},
	// what attackers try are requests
	"internal/logql/attack": {"internal/logql/request"},
	// and so are logins
	"internal/logql/auth": {"internal/logql/request"},
	// a gateway names a path as lines of requests do
	"internal/logql/gateway": {"internal/logql/request"},
	// what changed is told of templates; neither knows of queries or files
	"internal/logql/spike": {"internal/logql/pattern"},
	// the engine's source of lines that are files
	"internal/logql/logfile":    {"internal/logql"},
	"internal/series":           {"internal/promtext"}, // answers in its terms
	"internal/connector/series": {"internal/series", "internal/promtext", "internal/promapi"},
	// connectors that speak alike share a helper, and none imports another
	"internal/connector/prometheus": {"internal/promtext", "internal/promapi"},
	// what is found is checked by what will read it; only the test does
	"internal/discover":         {"internal/config", "internal/connector/all"},
	"internal/connector/docker": {"internal/promapi"},
	"internal/connector/otel":   {"internal/promapi"},
	// one way of being let in over HTTP
	"internal/connector/alertmanager": {"internal/promapi"},
	// one way of running a program that is never left behind
	"internal/connector/command":  {"internal/child", "internal/declared"},
	"internal/connector/http":     {"internal/declared"},                                                                                        // what an operator declares
	"internal/connector/nginx":    {"internal/child", "internal/logql", "internal/logql/logfile", "internal/logql/gateway", "internal/logtext"}, // its logs are files, read by the window
	"internal/connector/firewall": {"internal/child"},
	"internal/connector/git":      {"internal/child", "internal/promapi"}, // and of being let in over HTTP
	// one way of getting in to a Redis, for all that live in one
	"internal/connector/redis":  {"internal/redisapi", "internal/redisact"},
	"internal/connector/rq":     {"internal/redisapi", "internal/redisact", "internal/crew", "internal/daemon", "internal/pid", "internal/traceback"},
	"internal/connector/celery": {"internal/redisapi", "internal/redisact", "internal/crew", "internal/daemon", "internal/pid", "internal/traceback"},
	// one way of knowing a process again
	"internal/execution":          {"internal/pid"},
	"internal/connector/gunicorn": {"internal/pid", "internal/appserver"}, // one way of reading what a server was told
	"internal/connector/uvicorn":  {"internal/pid", "internal/appserver"},
	"internal/connector/host":     {"internal/pid", "internal/appserver"},
	"internal/connector/process":  {"internal/pid", "internal/child"},
	// its test draws what its caller would
	"internal/secret/shape":   {"internal/secret"},
	"internal/connector/loki": {"internal/promtext", "internal/promapi", "internal/logql", "internal/logtext"},
}

// beside are packages that stand on no floor: engines' shared helpers and what
// only tests import.
var beside = map[string]bool{
	"internal/realserver": true, "internal/floors": true, "internal/promtext": true, "internal/promapi": true,
	"internal/connector/connectortest": true, "internal/action/actiontest": true, "internal/recovery/drivertest": true, "internal/child": true, "internal/redisapi": true, "internal/redisact": true, "internal/crew": true, "internal/daemon": true, "internal/pid": true, "internal/appserver": true, "internal/declared": true, "internal/traceback": true, "internal/store/storetest": true, "internal/secret/secrettest": true, "lab": true, "playbooks": true, "examples": true,
}

// homes say where an outside library may be imported; test files are free.
var homes = map[string][]string{
	"github.com/yuin/goldmark":         {"internal/playbook"},
	"github.com/google/cel-go":         {"internal/expr"},
	"github.com/jackc/pgx":             {"internal/connector/postgres", "internal/realserver", "internal/store"},
	"github.com/redis/go-redis":        {"internal/redisapi"},
	"github.com/miekg/dns":             {"internal/connector/dns"},
	"github.com/prometheus/prometheus": {"internal/series", "internal/connector/series", "internal/connector/prometheus", "internal/connector/loki", "internal/promtext"},
	"github.com/spf13/cobra":           {"internal/cli", "lab"},
	"modernc.org/sqlite":               {"internal/demo", "internal/store"},
	"go.yaml.in/yaml":                  {"internal/playbook", "internal/config", "internal/discover", "internal/rehearsal"},
	"github.com/rogpeppe/go-internal":  {"internal/rehearsal"},
	"github.com/klauspost/compress":    {"internal/logql/logfile"}, // zstd, which the standard library lacks
}

func TestImportsGoDownOnly(t *testing.T) {
	for _, file := range sources(t) {
		from := path.Dir(file.name)
		if beside[from] || strings.HasPrefix(from, "lab/") {
			continue
		}
		floor, place := find(from)
		require.GreaterOrEqualf(t, floor, 0, "%s stands on no floor: add %s to the table", file.name, from)
		for _, to := range file.imports {
			inside, ok := strings.CutPrefix(to, module)
			if !ok || contains(besides[from], inside) || file.test && beside[inside] || inside == "playbooks" {
				continue
			}
			toFloor, toPlace := find(inside)
			down := toFloor >= 0 && (toFloor < floor || toFloor == floor && floors[floor].ordered && toPlace < place)
			if file.test && inside == from {
				down = true
			}
			require.Truef(t, down, "%s (floor %s) imports %s: imports go down only", file.name, floors[floor].name, inside)
		}
	}
}

func TestConnectorsSeeOnlyWordsAndFaces(t *testing.T) {
	for _, file := range sources(t) {
		from := path.Dir(file.name)
		if path.Dir(from) != "internal/connector" || from == "internal/connector/all" || file.test {
			continue
		}
		for _, to := range file.imports {
			inside, ok := strings.CutPrefix(to, module)
			if !ok || contains(besides[from], inside) {
				continue
			}
			floor, _ := find(inside)
			require.Truef(t, floor == 0 || floor == 1, "%s imports %s: a connector sees only words and faces", file.name, inside)
		}
	}
}

func TestOutsideLibrariesHaveOneHome(t *testing.T) {
	for _, file := range sources(t) {
		if file.test || file.ignored {
			continue
		}
		from := path.Dir(file.name)
		for _, to := range file.imports {
			for library, home := range homes {
				if to == library || strings.HasPrefix(to, library+"/") {
					require.Truef(t, contains(home, from), "%s imports %s, whose home is %s", file.name, to, strings.Join(home, ", "))
				}
			}
		}
	}
}

// pure are the packages of the mind, and the run of a plan.
var pure = []string{
	"internal/playbook", "internal/diagnosis", "internal/policy", "internal/approval", "internal/plan",
	"internal/verification", "internal/recovery",
}

// The mind takes values and gives values: no clock, no files, no network, no
// goroutines of its own.
func TestTheMindIsPure(t *testing.T) {
	for _, file := range sources(t) {
		from := path.Dir(file.name)
		if file.test || !contains(pure, from) {
			continue
		}
		for _, to := range file.imports {
			require.NotContainsf(t, []string{"os", "net", "net/http", "database/sql", "os/exec", "math/rand", "crypto/rand", "log/slog"}, to, "%s imports %s", file.name, to)
		}
		data, err := os.ReadFile(filepath.Join(root, file.name))
		require.NoError(t, err)
		for _, word := range []string{"time.Now(", "time.Since(", "\n\tgo func", "\t\tgo func"} {
			require.NotContainsf(t, string(data), word, "%s", file.name)
		}
	}
}

const root = "../.."

type source struct {
	name    string
	imports []string
	test    bool
	ignored bool // has a build constraint that no ordinary build meets
}

func sources(t *testing.T) []source {
	t.Helper()
	var list []source
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "testdata" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		name, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		s := source{name: filepath.ToSlash(name), test: strings.HasSuffix(p, "_test.go")}
		for _, c := range f.Comments {
			s.ignored = s.ignored || strings.Contains(c.Text(), "go:build")
		}
		for _, i := range f.Imports {
			text, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, text)
		}
		list = append(list, s)
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, len(list), 20, "the walk has not found the sources")
	return list
}

func find(pkg string) (floor, place int) {
	best, at := -1, -1
	for i, f := range floors {
		for j, p := range f.packages {
			if p == pkg {
				return i, j
			}
			if dir, ok := strings.CutSuffix(p, "/*"); ok && path.Dir(pkg) == dir && best < 0 {
				best, at = i, j
			}
		}
	}
	return best, at
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
