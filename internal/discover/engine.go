package discover

import (
	"io/fs"
	"strings"
)

// sockets are where Docker and Podman listen, the likeliest first; without the
// leading slash, as fs.FS wants it.
var sockets = []string{"var/run/docker.sock", "run/docker.sock", "run/podman/podman.sock"}

// engine looks for a Docker engine: the one that DOCKER_HOST names, or a socket
// on this machine.
func (l *look) engine() {
	if host, from := l.env("DOCKER_HOST"); host != "" {
		if !strings.HasPrefix(host, "unix://") && !strings.HasPrefix(host, "tcp://") {
			l.note("DOCKER_HOST in " + from + " is no socket and no tcp:// address, which this release cannot ask")
			return
		}
		t := Target{Name: "docker", Kind: "docker", From: "DOCKER_HOST in " + from, Settings: []Setting{{"url", "env:DOCKER_HOST"}}}
		if verify, _ := l.env("DOCKER_TLS_VERIFY"); verify != "" && strings.HasPrefix(host, "tcp://") {
			t.Hint = "it is spoken to with TLS: add ca, cert and key, the files in DOCKER_CERT_PATH"
		}
		l.add(t)
		return
	}
	if l.world.Root == nil {
		return
	}
	rootless := ""
	if dir := l.world.Env["XDG_RUNTIME_DIR"]; dir != "" {
		rootless = strings.Trim(dir, "/") + "/docker.sock"
	}
	for _, path := range append([]string{rootless}, sockets...) {
		info, err := fs.Stat(l.world.Root, path)
		if path == "" || err != nil || info.Mode()&fs.ModeSocket == 0 {
			continue
		}
		l.add(Target{Name: "docker", Kind: "docker", From: "the socket /" + path,
			Hint: "quell needs the group of the socket, or a read-only proxy before it", Settings: []Setting{{"url", "unix:///" + path}}})
		return
	}
}
