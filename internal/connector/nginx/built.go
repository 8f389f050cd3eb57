package nginx

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/quellhq/quell/internal/child"
)

// built is what nginx was compiled with.
type built struct {
	version, prefix, conf, pid, errorLog, accessLog string
}

var buildOption = regexp.MustCompile(`--([a-z-]+)=('[^']*'|\S+)`)

// known is what a program said when it was asked, as long as it is the same file.
type known struct {
	sync.Mutex
	built built
	info  os.FileInfo
}

// build asks the program how it was built, once. It starts nothing else.
func (t *target) build(ctx context.Context) (built, error) {
	info, err := os.Stat(t.program())
	if err != nil {
		return t.askBuild(ctx)
	}
	t.known.Lock()
	defer t.known.Unlock()
	if k := t.known.info; k != nil && os.SameFile(k, info) && k.ModTime().Equal(info.ModTime()) && k.Size() == info.Size() {
		return t.known.built, nil
	}
	b, err := t.askBuild(ctx)
	if err == nil {
		t.known.built, t.known.info = b, info
	}
	return b, err
}

func (t *target) askBuild(ctx context.Context) (built, error) {
	r, err := child.Run(ctx, child.Command{Argv: []string{t.config.Binary, "-V"}, Env: child.Environment(nil)})
	if err != nil {
		return built{}, fmt.Errorf("ask %s how it was built: %w", t.config.Binary, err)
	}
	text := string(r.Stderr) + string(r.Stdout)
	line, _, _ := strings.Cut(text, "\n")
	_, version, ok := strings.Cut(line, " version: ")
	if !ok {
		return built{}, fmt.Errorf("%s is no nginx", t.config.Binary)
	}
	b := built{version: version, prefix: "/usr/local/nginx"}
	options := map[string]string{}
	for _, m := range buildOption.FindAllStringSubmatch(text, -1) {
		options[m[1]] = strings.Trim(m[2], "'")
	}
	if p := options["prefix"]; p != "" {
		b.prefix = p
	}
	pick := func(name, otherwise string) string {
		path := options[name]
		if path == "" {
			path = otherwise
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(b.prefix, path)
		}
		return path
	}
	b.conf, b.pid = pick("conf-path", "conf/nginx.conf"), pick("pid-path", "logs/nginx.pid")
	b.errorLog, b.accessLog = pick("error-log-path", "logs/error.log"), pick("http-log-path", "logs/access.log")
	return b, nil
}
