package git

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPathSaysWhatItsChangeChanges(t *testing.T) {
	t.Parallel()
	for path, kind := range map[string]string{
		"app/main.py": "code", "README.md": "code", ".github/workflows/ci.yaml": "code", "src/config_loader.py": "code",
		"alembic/versions/1a2b_add.py": "migration", "db/migrate/2026_add.rb": "migration", "shop/migrations/0001_initial.py": "migration", "sql/V3__add.sql": "migration",
		"requirements.txt": "dependency", "requirements-dev.txt": "dependency", "web/package-lock.json": "dependency", "go.sum": "dependency",
		"deploy/values.yaml": "config", ".env": "config", "config/app.json": "config", "nginx.conf": "config", "Dockerfile": "config", "gunicorn.conf.py": "config", "settings.py": "config",
		"config/flags.json": "flag", "features.yaml": "flag",
	} {
		require.Equal(t, kind, kindOf(path), path)
	}
}
