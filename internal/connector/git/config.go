package git

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/promapi"
	"github.com/quellhq/quell/internal/secret"
)

type config struct {
	Dir            string        `json:"dir"`
	Binary         string        `json:"binary"`
	Name           string        `json:"name"`
	Authors        bool          `json:"authors"`
	DeploymentsURL secret.String `json:"deployments_url"`
	promapi.Access

	url     *url.URL
	headers http.Header
	http    *http.Client
}

func settings() []connector.Setting {
	return []connector.Setting{
		{Name: "dir", Type: probe.Text, Optional: true, About: "directory that the service runs from: a checkout, a directory that files are copied to, or a link to the current release; this or deployments_url is needed"},
		{Name: "binary", Type: probe.Text, Default: "git", About: "the git program: a path, or a name on PATH"},
		{Name: "name", Type: probe.Text, Optional: true, About: "what is deployed there, for people; the name of the directory where it is not said"},
		{Name: "authors", Type: probe.Bool, Default: "false", About: "tell who wrote a commit"},
		{Name: "deployments_url", Type: probe.Text, Optional: true, Secret: true, About: "address whose JSON lists deployments or runs, as the APIs of GitHub and GitLab have them: https://api.github.com/repos/OWNER/NAME/deployments"},
		{Name: "user", Type: probe.Text, Optional: true, About: "name for basic auth there"},
		{Name: "password", Type: probe.Text, Optional: true, Secret: true, About: "password for basic auth"},
		{Name: "bearer", Type: probe.Text, Optional: true, Secret: true, About: "bearer token"},
		{Name: "headers", Type: probe.Map, Optional: true, Secret: true, About: "further request headers, a map of name to value: {PRIVATE-TOKEN: \"env:GITLAB_TOKEN\"}"},
		{Name: "ca", Type: probe.Text, Optional: true, About: "PEM file with the authority of the server's certificate"},
		{Name: "insecure", Type: probe.Bool, Default: "false", About: "accept any certificate"},
	}
}

func parse(s connector.Settings, dir string) (config, error) {
	c := config{Binary: "git"}
	if err := s.Decode(&c); err != nil {
		return c, err
	}
	if c.Dir == "" && c.DeploymentsURL.Empty() {
		return c, errors.New("dir is missing: write the directory that the service runs from, or the deployments_url of its CI")
	}
	if c.Dir != "" && !filepath.IsAbs(c.Dir) {
		c.Dir = filepath.Join(dir, c.Dir)
	}
	if c.Name == "" && c.Dir != "" {
		c.Name = filepath.Base(c.Dir)
	}
	if c.DeploymentsURL.Empty() {
		return c, nil
	}
	u, err := url.Parse(c.DeploymentsURL.Reveal())
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return c, errors.New("deployments_url cannot be read: write it like https://api.github.com/repos/OWNER/NAME/deployments")
	}
	if c.headers, err = c.Header(u.User); err != nil {
		return c, err
	}
	transport, err := c.Transport(dir)
	if err != nil {
		return c, fmt.Errorf("settings: %w", err)
	}
	u.User = nil
	c.url = u
	// A redirect would carry the token to somebody else.
	c.http = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return c, nil
}
