package nginx

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// loadedFiles are the directives that name a file which nginx reads when it
// loads its configuration, and not again.
var loadedFiles = []string{
	"ssl_certificate", "ssl_certificate_key", "ssl_password_file", "ssl_client_certificate", "ssl_trusted_certificate", "ssl_crl", "ssl_dhparam",
	"proxy_ssl_certificate", "proxy_ssl_certificate_key", "proxy_ssl_trusted_certificate",
}

// changedSince lists the files that are younger than the oldest worker that
// serves: nginx has not loaded them yet.
func changedSince(tree *tree, m master) []string {
	var paths, out []string
	for _, f := range tree.files {
		paths = append(paths, f.path)
	}
	tree.walk(func(d *directive, _ []*directive) {
		path := d.arg(0)
		if !slices.Contains(loadedFiles, d.name.text) || path == "" || strings.Contains(path, "$") {
			return
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(tree.conf), path)
		}
		if !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	})
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		if loaded, err := loadedSince(m, info.ModTime()); err == nil && !loaded {
			out = append(out, path)
		}
	}
	return out
}

// looksUp reports whether a server stands in the configuration by a name that is
// looked up when it is loaded: loading it again may find another address.
func looksUp(tree *tree) bool {
	upstreams := map[string]bool{}
	tree.walk(func(d *directive, _ []*directive) {
		if d.name.text == "upstream" {
			upstreams[d.arg(0)] = true
		}
	})
	found := false
	tree.walk(func(d *directive, within []*directive) {
		address := ""
		switch {
		case d.name.text == "server" && len(within) > 0 && within[len(within)-1].name.text == "upstream":
			address = d.arg(0)
		case passes[d.name.text] != "":
			address = d.arg(0)
			if _, rest, ok := strings.Cut(address, "://"); ok {
				address = rest
			}
			address, _, _ = strings.Cut(address, "/")
		default:
			return
		}
		found = found || isName(address) && !upstreams[address]
	})
	return found
}

// isName reports whether an address begins with a name, and not with an IP
// address, a path of a socket or a variable.
func isName(address string) bool {
	if address == "" || strings.HasPrefix(address, "unix:") || strings.Contains(address, "$") {
		return false
	}
	if _, err := netip.ParseAddrPort(address); err == nil {
		return false
	}
	_, err := netip.ParseAddr(strings.Trim(address, "[]"))
	return err != nil
}
