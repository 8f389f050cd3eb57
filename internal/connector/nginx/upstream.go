package nginx

import (
	"slices"
	"strconv"
	"strings"
)

// upstream is a group of servers.
type upstream struct {
	name    string
	block   *directive
	servers []server
}

// server is one line of an upstream.
type server struct {
	*directive
	address      string
	weight       int // 1 where none is written
	down, backup bool
	maxFails     string
	failTimeout  string
}

// upstreams lists the groups of a configuration, in order.
func (t *tree) upstreams() []upstream {
	var out []upstream
	t.walk(func(d *directive, within []*directive) {
		if d.name.text != "upstream" || d.block == nil || len(within) != 1 {
			return
		}
		u := upstream{name: d.arg(0), block: d}
		walk(d.block, nil, func(s *directive, inside []*directive) {
			if s.name.text == "server" && len(inside) == 0 && len(s.args) > 0 {
				u.servers = append(u.servers, readServer(s))
			}
		})
		out = append(out, u)
	})
	return out
}

func readServer(d *directive) server {
	s := server{directive: d, address: d.arg(0), weight: 1, maxFails: "1", failTimeout: "10s"}
	for _, a := range d.args[1:] {
		name, value, _ := strings.Cut(a.text, "=")
		switch name {
		case "down":
			s.down = true
		case "backup":
			s.backup = true
		case "weight":
			if n, err := strconv.Atoi(value); err == nil {
				s.weight = n
			}
		case "max_fails":
			s.maxFails = value
		case "fail_timeout":
			s.failTimeout = value
		}
	}
	return s
}

// text is the line as it stands, on one line.
func (s server) text() string {
	return strings.Join(strings.Fields(string(s.file.data[s.name.start:s.end])), " ")
}

// setDown returns the bytes to change so that a server is down or up.
func (s server) setDown(down bool) []splice {
	if s.down == down {
		return nil
	}
	if down {
		end := s.args[len(s.args)-1].end
		return []splice{{end, end, " down"}}
	}
	var out []splice
	for i, a := range s.args {
		if i > 0 && a.text == "down" {
			out = append(out, s.without(i))
		}
	}
	return out
}

// setWeight returns the bytes to change so that a server has a weight.
func (s server) setWeight(weight int) []splice {
	if s.weight == weight {
		return nil
	}
	text := "weight=" + strconv.Itoa(weight)
	i := slices.IndexFunc(s.args, func(a token) bool { return strings.HasPrefix(a.text, "weight=") })
	if i > 0 {
		return []splice{{s.args[i].start, s.args[i].end, text}}
	}
	return []splice{{s.args[0].end, s.args[0].end, " " + text}}
}

// without takes an argument away, with the blank before it; a comment between
// the two stays.
func (s server) without(i int) splice {
	a, before := s.args[i], s.args[i-1]
	start := a.start
	if strings.TrimSpace(string(s.file.data[before.end:a.start])) == "" {
		start = before.end
	}
	return splice{start, a.end, ""}
}
