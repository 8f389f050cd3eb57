package nginx

import (
	"errors"
	"net/url"
	"path/filepath"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
)

// config is what quell.yaml may say of a target of kind nginx.
type config struct {
	Binary   string `json:"binary"`
	Conf     string `json:"conf"`
	Prefix   string `json:"prefix"`
	Pidfile  string `json:"pidfile"`
	Snippets string `json:"snippets"`
	Backups  string `json:"backups"`
	Status   string `json:"status"`
}

func settings() []connector.Setting {
	return []connector.Setting{
		{Name: "binary", Type: probe.Text, Default: "nginx", About: "the nginx program: a path, or a name on PATH"},
		{Name: "conf", Type: probe.Text, Default: "/etc/nginx/nginx.conf", About: "the main configuration file"},
		{Name: "prefix", Type: probe.Text, Optional: true, About: "the -p that nginx was started with"},
		{Name: "pidfile", Type: probe.Text, Optional: true, About: "file with the master's pid; else what the configuration says, else what nginx was built with"},
		{Name: "snippets", Type: probe.Text, Optional: true, About: "directory for files that quell writes itself; http {} has to include its *.conf"},
		{Name: "backups", Type: probe.Text, Optional: true, About: "directory for former texts; quell-backups beside conf"},
		{Name: "status", Type: probe.Text, Optional: true, About: "URL of stub_status; else it is looked for in the configuration"},
	}
}

func parse(s connector.Settings, dir string) (config, error) {
	var c config
	if err := s.Decode(&c); err != nil {
		return c, err
	}
	if c.Binary == "" {
		c.Binary = "nginx"
	}
	if c.Conf == "" {
		c.Conf = "/etc/nginx/nginx.conf"
	}
	for _, path := range []*string{&c.Conf, &c.Prefix, &c.Pidfile, &c.Snippets, &c.Backups} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
	if c.Backups == "" {
		c.Backups = filepath.Join(filepath.Dir(c.Conf), "quell-backups")
	}
	if u, err := url.Parse(c.Status); c.Status != "" && (err != nil || u.Scheme != "http" || u.Host == "") {
		return c, errors.New("status is written http://127.0.0.1:8080/nginx_status")
	}
	if c.Snippets != "" && realPath(c.Snippets) == realPath(c.Backups) {
		return c, errors.New("snippets and backups are the same directory: what nginx includes must hold no former texts")
	}
	return c, nil
}
