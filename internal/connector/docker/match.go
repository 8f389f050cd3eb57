package docker

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// summary is a container in the engine's list.
type summary struct {
	ID      string `json:"Id"`
	Names   []string
	Image   string
	ImageID string
	State   string
	Created int64
	Labels  map[string]string
}

// The labels by which those who make containers say whose they are.
const (
	labelCompose = "com.docker.compose.service"
	labelOneOff  = "com.docker.compose.oneoff"
	labelSwarm   = "com.docker.swarm.service.name"
)

func (s summary) name() string {
	if len(s.Names) == 0 {
		return cut(s.ID, 12)
	}
	return strings.TrimPrefix(s.Names[0], "/")
}

// The ways in which a container is known as a service's, the surest first. One
// way is taken for all: where a label names the service, a container that
// merely has its name in it is another's.
var ways = []string{"", "label", "name", "part of the name", "image"}

// way is the index in ways by which a container is of the service, or 0.
func way(service, name, image string, labels map[string]string) int {
	swarm := labels[labelSwarm]
	switch {
	case labels[labelCompose] == service, swarm == service, strings.HasSuffix(swarm, "_"+service),
		labels["service"] == service, labels["app"] == service, labels["io.kubernetes.container.name"] == service:
		return 1
	case name == service:
		return 2
	case isPart(service, name):
		return 3
	case imageName(image) == service:
		return 4
	}
	return 0
}

// isPart reports whether name holds service between separators: shop-api-1
// holds shop-api and api, and not hop.
func isPart(service, name string) bool {
	norm := strings.NewReplacer("_", "-", ".", "-")
	return strings.Contains("-"+norm.Replace(name)+"-", "-"+norm.Replace(service)+"-")
}

// imageName is the last part of an image's name: registry:5000/team/shop:1 is shop.
func imageName(image string) string {
	image, _, _ = strings.Cut(image, "@")
	image = image[strings.LastIndexByte(image, '/')+1:]
	name, _, _ := strings.Cut(image, ":")
	return name
}

func serviceParam() probe.Param {
	return probe.Param{Name: "service", Type: probe.Text, About: "whose containers: a Compose or Swarm service, a container's name or part of it, or an image; mostly ${service}"}
}

// service is what Docker calls the service that a question is about.
func (t *target) service(q probe.Question) string {
	name := action.Args(q.Args).Text("service")
	if other := t.client.services[name]; other != "" {
		return other
	}
	return name
}

func allContainers() url.Values { return url.Values{"all": {"1"}} }

// mostContainers bounds how many containers of a service are looked at.
const mostContainers = 20

// of returns the containers of a service, those that run first, then the newest.
func (t *target) of(ctx context.Context, q probe.Question) (found []summary, by int, notes []string, err error) {
	service := t.service(q)
	if service == "" {
		return nil, 0, nil, &fault{Answer: evidence.Not(evidence.Invalid, "the question names no service", "")}
	}
	var all []summary
	if err := t.client.get(ctx, "/containers/json", allContainers(), &all); err != nil {
		return nil, 0, nil, err
	}
	by = len(ways)
	for _, s := range all {
		n := way(service, s.name(), s.Image, s.Labels)
		if n == 0 || n > by || strings.EqualFold(s.Labels[labelOneOff], "true") {
			continue
		}
		if n < by {
			found, by = nil, n
		}
		found = append(found, s)
	}
	if len(found) == 0 {
		return nil, 0, nil, &fault{Answer: evidence.Not(evidence.NoData, fmt.Sprintf("no container is known as one of %s", service)+known(all), "set services of this target to what Docker calls it")}
	}
	slices.SortFunc(found, func(a, b summary) int {
		if r := cmp.Compare(b2i(b.State == "running"), b2i(a.State == "running")); r != 0 {
			return r
		}
		if r := cmp.Compare(b.Created, a.Created); r != 0 {
			return r
		}
		return cmp.Compare(a.ID, b.ID)
	})
	if len(found) > mostContainers {
		notes = append(notes, fmt.Sprintf("%d containers, of which the first %d are looked at", len(found), mostContainers))
		found = found[:mostContainers]
	}
	return found, by, notes, nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// known names some of the containers that there are.
func known(all []summary) string {
	const most = 8
	if len(all) == 0 {
		return ": the engine has no containers"
	}
	var names []string
	for _, s := range all {
		names = append(names, s.name())
	}
	slices.Sort(names)
	if len(names) > most {
		names = append(names[:most], "…")
	}
	return "; there are " + strings.Join(names, ", ")
}
