package stack

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
)

// Python is Debian's own: another one that stands first on the PATH does not
// see the packages that Debian installs.
const Python = "/usr/bin/python3"

// programs are what the stack runs, and the Debian package of each.
var programs = map[string]string{
	"redis-server": "redis-server", "nginx": "nginx-light", "gunicorn": "gunicorn", "git": "git", "alembic": "alembic",
	"prometheus": "prometheus", "prometheus-alertmanager": "prometheus-alertmanager",
	"prometheus-redis-exporter": "prometheus-redis-exporter", "prometheus-postgres-exporter": "prometheus-postgres-exporter",
	"prometheus-node-exporter": "prometheus-node-exporter",
}

// modules are what the service imports, and the Debian package of each.
var modules = map[string]string{
	"fastapi": "python3-fastapi", "uvicorn": "uvicorn", "sqlalchemy": "python3-sqlalchemy", "asyncpg": "python3-asyncpg",
	"redis": "python3-redis", "rq": "python3-rq", "celery": "python3-celery", "prometheus_client": "python3-prometheus-client",
	"jwt": "python3-jwt", "psycopg2": "python3-psycopg2",
}

// Missing names the Debian packages that have to be installed before a stack
// can start, sorted; none when all is there.
func Missing() []string {
	missing := map[string]bool{}
	for program, pkg := range programs {
		if _, err := find(program); err != nil {
			missing[pkg] = true
		}
	}
	if _, err := postgresBin(); err != nil {
		missing["postgresql"] = true
	}
	if _, err := os.Stat(Python); err != nil {
		missing["python3-minimal"] = true
		return sorted(missing)
	}
	for module, pkg := range modules {
		if exec.Command(Python, "-c", "import importlib.util,sys; sys.exit(importlib.util.find_spec('"+module+"') is None)").Run() != nil {
			missing[pkg] = true
		}
	}
	return sorted(missing)
}

// Check is the same as an error that says what to do.
func Check() error {
	if missing := Missing(); len(missing) > 0 {
		return fmt.Errorf("the lab needs what is not installed: apt-get install --no-install-recommends %s", strings.Join(missing, " "))
	}
	return nil
}

// Lacking says what of a fault's needs this machine does not have: a program
// by its name, or "root". Empty: it has all of them.
func Lacking(needs []string) string {
	var lacking []string
	for _, need := range needs {
		if need == "root" {
			if os.Getuid() != 0 {
				lacking = append(lacking, "the rights of root")
			}
		} else if _, err := find(need); err != nil {
			lacking = append(lacking, "the program "+need)
		}
	}
	return strings.Join(lacking, ", ")
}

func sorted(set map[string]bool) []string {
	var names []string
	for name := range set {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// find looks for a program on the PATH and where Debian keeps servers.
func find(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin"} {
		if path := filepath.Join(dir, program); executable(path) {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed: it is in Debian's package %s", program, programs[program])
}

// postgresBin is the directory of the newest Postgres server.
func postgresBin() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		return "", fmt.Errorf("postgres is not installed: it is in Debian's package postgresql")
	}
	sort.Strings(found)
	return filepath.Dir(found[len(found)-1]), nil
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
