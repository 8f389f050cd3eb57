package promapi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
)

// Figure is one line of a /metrics page.
type Figure struct {
	Name   string
	Labels map[string]string
	Value  float64
}

var (
	sampleLine = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?[ \t]+(\S+)`)
	labelPair  = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"`)
	unescape   = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n")
)

// ReadFigures reads the figures of a /metrics page whose names begin with
// prefix. Lines that it cannot read are left out: what a server tells of itself
// is used by name, and a name that is missing is told as unknown.
func ReadFigures(page, prefix string) []Figure {
	var list []Figure
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, prefix) {
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		v, err := strconv.ParseFloat(m[3], 64)
		if err != nil || v != v {
			continue
		}
		s := Figure{Name: m[1], Labels: map[string]string{}, Value: v}
		for _, pair := range labelPair.FindAllStringSubmatch(m[2], -1) {
			s.Labels[pair[1]] = unescape.Replace(pair[2])
		}
		list = append(list, s)
	}
	return list
}

// Total is the sum of all figures of that name, and whether there is one.
func Total(list []Figure, name string) (float64, bool) {
	sum, found := 0.0, false
	for _, s := range list {
		if s.Name == name {
			sum, found = sum+s.Value, true
		}
	}
	return sum, found
}

// Own reads what the server tells of itself at /metrics: the figures whose
// names begin with prefix. Behind a proxy that forwards the API alone there is
// no such page. An error is always a *Failure.
func (c *Client) Own(ctx context.Context, prefix string) ([]Figure, error) {
	leave, err := c.tools.Gate.Enter(ctx)
	if err != nil {
		return nil, c.fail(connector.Failure(c.what(), err))
	}
	defer leave()
	limits := c.tools.Gate.Limits()
	ctx, cancel := context.WithTimeout(ctx, limits.Timeout)
	defer cancel()
	res, err := c.send(ctx, "/metrics", url.Values{})
	if err != nil {
		return nil, c.fail(connector.Failure(c.what(), err))
	}
	defer func() { _ = res.Body.Close() }()
	page, err := io.ReadAll(io.LimitReader(res.Body, int64(limits.Bytes)))
	if err != nil {
		return nil, c.fail(connector.Failure(c.what(), err))
	}
	if res.StatusCode != http.StatusOK {
		return nil, c.fail(evidence.Not(evidence.NotApplicable, fmt.Sprintf("%s: it does not show its own /metrics (HTTP %d)", c.what(), res.StatusCode), ""))
	}
	list := ReadFigures(string(page), prefix)
	if len(list) == 0 {
		return nil, c.fail(evidence.Not(evidence.NotApplicable, c.what()+": its /metrics says nothing of itself", ""))
	}
	return list, nil
}
