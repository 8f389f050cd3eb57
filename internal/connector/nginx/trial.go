package nginx

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/child"
)

// rejected is what nginx says of a configuration that it does not take.
type rejected struct{ text string }

func (r *rejected) Error() string { return r.text }

// test asks nginx what it thinks of a configuration on disk. The error is a
// *rejected, or says why nginx could not be asked.
func (t *target) test(ctx context.Context, conf string) error {
	argv := []string{t.config.Binary, "-t", "-q", "-c", conf}
	if t.config.Prefix != "" {
		argv = append(argv, "-p", t.config.Prefix)
	}
	r, err := child.Run(ctx, child.Command{Argv: argv, Env: child.Environment(nil)})
	switch {
	case err != nil:
		return fmt.Errorf("test the configuration with %s: %w", t.config.Binary, err)
	case r.Code != 0:
		return &rejected{t.tools.Redact.Text(faults(string(r.Stderr)))}
	}
	return nil
}

// faults are the lines of nginx's output that matter.
func faults(output string) string {
	const most = 3
	var kept []string
	for line := range strings.Lines(output) {
		for _, mark := range []string{"[emerg] ", "[crit] "} {
			if _, text, ok := strings.Cut(line, mark); ok {
				kept = append(kept, strings.TrimSpace(logPrefix.ReplaceAllString(text, "")))
			}
		}
	}
	if len(kept) == 0 {
		return "nginx does not take it: " + strings.TrimSpace(output[:min(len(output), 400)])
	}
	kept = slices.Compact(kept)
	return strings.Join(kept[:min(len(kept), most)], "; ")
}

// logPrefix is process and thread, which stand in nginx's log before a message.
var logPrefix = regexp.MustCompile(`^\d+#\d+: `)

// errNoTrial says that a configuration cannot be tested beside its own: a copy
// of what is there is not taken either.
var errNoTrial = errors.New("the configuration cannot be tested as a copy")

// try tests a configuration that is not on disk yet, as a copy: one file in a
// directory of ours, beside links to everything that relative names in it could
// mean. Errors as of test, and errNoTrial.
func (t *target) try(ctx context.Context, over overlay) error {
	next, err := load(t.config.Conf, over)
	if err != nil {
		return &rejected{err.Error()}
	}
	failed := t.tryTree(ctx, next)
	var no *rejected
	if failed == nil || !errors.As(failed, &no) {
		return failed
	}
	// It may be the copying that is at fault (a name with .. in it), or what is
	// on disk now.
	now, err := load(t.config.Conf, nil)
	if err != nil {
		return &rejected{err.Error()}
	}
	if err := t.tryTree(ctx, now); err != nil {
		return fmt.Errorf("%w: %w", errNoTrial, failed)
	}
	return failed
}

func (t *target) tryTree(ctx context.Context, tr *tree) error {
	const what = "test a copy of the configuration"
	dir, err := os.MkdirTemp("", "quell-nginx-") // closed to others: configurations hold secrets
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // follows no link
	home := filepath.Dir(t.config.Conf)
	entries, err := os.ReadDir(home)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	name := filepath.Base(t.config.Conf)
	for _, e := range entries {
		if e.Name() == name {
			continue
		}
		if err := os.Symlink(filepath.Join(home, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	f := tr.flat()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, f.text.Bytes(), 0o600); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	err = t.test(ctx, path)
	var no *rejected
	if errors.As(err, &no) {
		return &rejected{f.translate(no.text, path)}
	}
	return err
}
