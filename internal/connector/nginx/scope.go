package nginx

import (
	"net"
	"slices"
	"strings"
)

// inside lists the directives of a block, with those of included files in place.
func inside(list []*directive) []*directive {
	var out []*directive
	for _, d := range list {
		if d.name.text != "include" {
			out = append(out, d)
			continue
		}
		for _, f := range d.included {
			out = append(out, inside(f.directives)...)
		}
	}
	return out
}

// find returns the first directive of a name in a block, or nil.
func (d *directive) find(name string) *directive {
	list := inside(d.block)
	if i := slices.IndexFunc(list, func(x *directive) bool { return x.name.text == name }); i >= 0 {
		return list[i]
	}
	return nil
}

// inherited is the value of a directive that holds in a place: of the innermost
// block that has it, else otherwise.
func inherited(within []*directive, name, otherwise string) string {
	for _, block := range slices.Backward(within) {
		if d := block.find(name); d != nil && len(d.args) > 0 {
			return d.arg(0)
		}
	}
	return otherwise
}

// dialAddress is network and address of what nginx writes as an address: a
// host with or without a port, or a socket.
func dialAddress(s, port string) (network, address string) {
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		path, _, _ = strings.Cut(path, ":")
		return "unix", path
	}
	if _, _, err := net.SplitHostPort(s); err == nil {
		return "tcp", s
	}
	return "tcp", net.JoinHostPort(strings.Trim(s, "[]"), port)
}
