// Package service holds the source of the order service that the lab runs.
package service

import "embed"

// Files are its Python modules, migrations and first data.
//
//go:embed orders/*.py migrations/env.py migrations/versions/*.py gunicorn.conf.py partner.py alembic.ini seed.sql
var Files embed.FS
