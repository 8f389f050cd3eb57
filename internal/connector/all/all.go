// Package all is the list of connectors: adding one is its folder and a line here.
package all

import (
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/alembic"
	"github.com/quellhq/quell/internal/connector/alertmanager"
	"github.com/quellhq/quell/internal/connector/celery"
	"github.com/quellhq/quell/internal/connector/command"
	"github.com/quellhq/quell/internal/connector/dns"
	"github.com/quellhq/quell/internal/connector/docker"
	"github.com/quellhq/quell/internal/connector/firewall"
	"github.com/quellhq/quell/internal/connector/git"
	"github.com/quellhq/quell/internal/connector/gunicorn"
	"github.com/quellhq/quell/internal/connector/host"
	"github.com/quellhq/quell/internal/connector/http"
	"github.com/quellhq/quell/internal/connector/logs"
	"github.com/quellhq/quell/internal/connector/loki"
	"github.com/quellhq/quell/internal/connector/nginx"
	"github.com/quellhq/quell/internal/connector/otel"
	"github.com/quellhq/quell/internal/connector/postgres"
	"github.com/quellhq/quell/internal/connector/process"
	"github.com/quellhq/quell/internal/connector/prometheus"
	"github.com/quellhq/quell/internal/connector/redis"
	"github.com/quellhq/quell/internal/connector/rq"
	"github.com/quellhq/quell/internal/connector/series"
	"github.com/quellhq/quell/internal/connector/tcp"
	"github.com/quellhq/quell/internal/connector/tls"
	"github.com/quellhq/quell/internal/connector/uvicorn"
)

// Kinds returns every connector, in the order in which they are listed to people.
func Kinds() []connector.Kind {
	return []connector.Kind{
		postgres.Kind(),
		redis.Kind(),
		rq.Kind(),
		celery.Kind(),
		prometheus.Kind(),
		series.Kind(),
		loki.Kind(),
		logs.Kind(),
		otel.Kind(),
		http.Kind(),
		tcp.Kind(),
		tls.Kind(),
		dns.Kind(),
		host.Kind(),
		process.Kind(),
		docker.Kind(),
		nginx.Kind(),
		gunicorn.Kind(),
		uvicorn.Kind(),
		firewall.Kind(),
		alertmanager.Kind(),
		command.Kind(),
		alembic.Kind(),
		git.Kind(),
	}
}
