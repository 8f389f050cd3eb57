package git

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/probe"
)

// code is what a path is of that is none of the other kinds. On the timeline
// it is the deploy itself.
const code = "code"

var migrations = regexp.MustCompile(`(^|/)(migrations?|alembic/versions|db/migrate|flyway|liquibase|changelogs?)/|(^|/)V[0-9][0-9_.]*__[^/]+\.sql$|(^|/)alembic/|(^|/)schema\.(sql|rb|prisma)$`)

// dependencies are the files in which projects write down what they rest on.
var dependencies = []string{
	"requirements.txt", "constraints.txt", "pyproject.toml", "poetry.lock", "uv.lock", "pdm.lock", "Pipfile", "Pipfile.lock", "setup.py", "setup.cfg",
	"package.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "go.mod", "go.sum", "Cargo.toml", "Cargo.lock", "Gemfile", "Gemfile.lock",
	"composer.json", "composer.lock", "pom.xml", "build.gradle", "build.gradle.kts", "gradle.lockfile", "mix.exs", "mix.lock",
}

// settingsEndings are of files that hold settings and no code.
var settingsEndings = []string{".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".cnf", ".env", ".properties", ".service", ".tf", ".tfvars", ".hcl"}

// flags are files of feature switches.
var flags = regexp.MustCompile(`(?i)(^|/)(feature[-_]?)?(flags|toggles|features)([-_.][^/]*)?\.(json|ya?ml|toml)$`)

// kindOf says what a change of a file changes, by its path.
func kindOf(name string) string {
	base := path.Base(name)
	switch {
	case migrations.MatchString(name):
		return probe.Migration
	case slices.Contains(dependencies, base), strings.HasPrefix(base, "requirements") && strings.HasSuffix(base, ".txt"):
		return probe.Dependency
	case flags.MatchString(name):
		return probe.Flag
	case strings.HasPrefix(name, "."), strings.Contains(name, "/."):
		if strings.HasPrefix(base, ".env") {
			return probe.Config
		}
		return code // of the team's tools: no part of what runs
	case strings.HasPrefix(base, "Dockerfile"), base == "Procfile", slices.Contains(settingsEndings, path.Ext(base)):
		return probe.Config
	case strings.Contains(name, "config/") || strings.HasPrefix(base, "config.") || strings.HasPrefix(base, "settings.") || strings.HasPrefix(base, "gunicorn.conf"):
		return probe.Config
	}
	return code
}

// byKind sorts files by what their change changes.
func byKind(files []string) map[string][]string {
	out := map[string][]string{}
	for _, f := range files {
		kind := kindOf(f)
		out[kind] = append(out[kind], f)
	}
	return out
}
