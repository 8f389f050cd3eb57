package discover

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// YAML writes the configuration, with a comment on each entry that says where
// it was seen. It holds no secret.
func (f Found) YAML() string {
	var b strings.Builder
	b.WriteString("# Written by `quell init` from what it found. Read it, change it, then run `quell doctor`.\n" +
		"# Secrets are references: env:NAME (the environment, or .env beside this file) or file:/path.\n")
	for _, n := range f.Notes {
		b.WriteString("# Note: " + n + ".\n")
	}
	if len(f.Services) > 0 {
		b.WriteString("\n# What people feel, and what it rests on.\nservices:\n")
		for _, s := range f.Services {
			s.write(&b)
		}
	} else {
		b.WriteString("\n# No service was found. Describe the one that people feel:\n" +
			"# services:\n#   shop: {url: \"http://127.0.0.1:8000\", depends_on: [], logs: [], metrics: [], runs_on: [this-host]}\n")
	}
	b.WriteString("\n# Systems to ask.\ntargets:\n")
	for _, t := range f.Targets {
		t.write(&b)
	}
	return b.String()
}

func (s Service) write(b *strings.Builder) {
	fmt.Fprintf(b, "  %s:   # from %s\n", s.Name, s.From)
	empty := true
	put := func(key, value string) {
		if value != "" {
			fmt.Fprintf(b, "    %s: %s\n", key, value)
			empty = false
		}
	}
	put("url", quoted(s.URL))
	put("depends_on", listed(s.DependsOn))
	put("logs", listed(s.Logs))
	put("metrics", listed(s.Metrics))
	put("runs_on", listed(s.RunsOn))
	if empty {
		b.WriteString("    depends_on: []\n")
	}
}

func (t Target) write(b *strings.Builder) {
	lead := "  "
	if t.Off {
		lead = "  # "
	}
	fmt.Fprintf(b, "%s%s:   # from %s\n", lead, t.Name, t.From)
	if t.Hint != "" {
		fmt.Fprintf(b, "%s  # %s\n", lead, t.Hint)
	}
	fmt.Fprintf(b, "%s  kind: %s\n", lead, t.Kind)
	for _, s := range t.Settings {
		switch v := s.Value.(type) {
		case string:
			fmt.Fprintf(b, "%s  %s: %s\n", lead, s.Name, quoted(v))
		case []string:
			fmt.Fprintf(b, "%s  %s: %s\n", lead, s.Name, listed(v))
		}
	}
}

var plainWord = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9._/-]*$`)

func quoted(text string) string {
	if text == "" || plainWord.MatchString(text) {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ").Replace(text) + `"`
}

func listed(list []string) string {
	if len(list) == 0 {
		return ""
	}
	parts := make([]string, len(list))
	for i, s := range list {
		parts[i] = quoted(s)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// ErrExists is returned, wrapped with the path, when there is a file already.
var ErrExists = errors.New("is there already: use --force to replace it")

// Write writes the configuration, all of it or nothing. An existing file is
// replaced only with force.
func Write(path, text string, force bool) error {
	if _, err := os.Lstat(path); err == nil && !force {
		return fmt.Errorf("%s %w", path, ErrExists)
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), ".quell-*.yaml")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, cause(err))
	}
	_, err = temporary.WriteString(text)
	err = errors.Join(err, temporary.Chmod(0o644), temporary.Close())
	switch {
	case err != nil:
	case force:
		err = os.Rename(temporary.Name(), path)
	default:
		// A link fails where a file came into being in the meantime.
		if err = os.Link(temporary.Name(), path); errors.Is(err, fs.ErrExist) {
			err = ErrExists
		}
		_ = os.Remove(temporary.Name())
	}
	if err != nil {
		_ = os.Remove(temporary.Name())
		return fmt.Errorf("write %s: %w", path, cause(err))
	}
	return nil
}

func cause(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
