package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/quellhq/quell/internal/connector"
)

// Options say where to look and what there is to configure.
type Options struct {
	Path  string                           // of the file, from --config; empty: search
	Dir   string                           // where the search starts; empty: the current directory
	Kinds []connector.Kind                 // what a target may be
	Env   func(name string) (string, bool) // nil: the process's environment
}

// names of the file, in the order of preference.
const (
	fileName      = "quell.yaml"
	otherFileName = "quell.yml"
)

// maxSize of the file in bytes; people's have a few thousand.
const maxSize = 1 << 20

// Load finds, reads and checks the configuration. Errors: ErrNone, ErrEmpty
// (wrapped), Errors with all that is wrong in the file, or that of reading it.
func Load(o Options) (Config, error) {
	path, err := o.find()
	if err != nil {
		return Config{}, err
	}
	file, err := os.Open(path)
	if err != nil {
		return Config{}, reading(path, err)
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return Config{}, reading(path, err)
	}
	if len(data) > maxSize {
		return Config{}, fmt.Errorf("%s: longer than %d bytes: this is no configuration", path, maxSize)
	}
	return o.parse(path, data)
}

func reading(path string, err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// find walks up from the starting directory.
func (o Options) find() (string, error) {
	if o.Path != "" {
		return o.Path, nil
	}
	dir := o.Dir
	if dir == "" {
		dir = "."
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the current directory: %w", err)
	}
	for {
		path, other := filepath.Join(dir, fileName), filepath.Join(dir, otherFileName)
		_, err := os.Stat(path)
		_, otherErr := os.Stat(other)
		switch {
		case err == nil && otherErr == nil:
			return "", fmt.Errorf("%s holds both %s and %s: remove one of them", dir, fileName, otherFileName)
		case err == nil:
			return path, nil
		case otherErr == nil:
			return other, nil
		}
		above := filepath.Dir(dir)
		if above == dir {
			return "", ErrNone
		}
		dir = above
	}
}

// Parse checks a configuration that need not be written anywhere. path stands
// in messages, and its directory is what relative paths start from.
func Parse(o Options, path string, data []byte) (Config, error) { return o.parse(path, data) }

func (o Options) parse(path string, data []byte) (Config, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	r := &reader{path: path, kinds: o.Kinds, refs: newReferences(filepath.Dir(absolute), o.Env)}
	r.config = Config{Path: path, Dir: filepath.Dir(absolute), Params: map[string]map[string]any{}, ParamAt: map[string]string{}}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return Config{}, fmt.Errorf("%s: %w", path, ErrEmpty)
	case err != nil:
		return Config{}, yamlError(path, err)
	}
	var more yaml.Node
	switch err := decoder.Decode(&more); {
	case err == nil:
		r.wrong(&more, "a second document begins here: put everything into one")
	case !errors.Is(err, io.EOF):
		return Config{}, yamlError(path, err)
	}
	root := doc.Content[0]
	if r.plain(root, 0); len(r.errors) > 0 {
		return Config{}, r.errors
	}
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return Config{}, fmt.Errorf("%s: %w", path, ErrEmpty)
	}
	r.file(root)
	if len(r.errors) > 0 {
		r.errors.sort()
		return Config{}, r.errors
	}
	if len(r.config.Services)+len(r.config.Targets) == 0 {
		return Config{}, fmt.Errorf("%s: %w", path, ErrEmpty)
	}
	r.config.Secrets = r.refs.secrets
	return r.config, nil
}
