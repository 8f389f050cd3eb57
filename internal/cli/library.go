package cli

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/quellhq/quell/internal/app"
)

// library loads the shipped playbooks and those that the configuration names,
// where there is one. What keeps the team's own out is said, and is no reason
// to explain nothing.
func library(s streams, config string) (app.Library, error) {
	dirs, err := app.PlaybookDirs(config)
	if err != nil {
		fmt.Fprintf(s.err, "without your own playbooks: %v\n", err)
	}
	l, err := app.LoadLibrary(dirs)
	if err != nil {
		return l, &exit{exitUsage, err}
	}
	for _, f := range l.Broken {
		fmt.Fprintln(s.err, f)
	}
	return l, nil
}

// noFile says of a path that is not there what to write instead.
func noFile(err error) error {
	var at *fs.PathError
	if errors.Is(err, fs.ErrNotExist) && errors.As(err, &at) {
		return fmt.Errorf("there is no %s here: name a file or a directory", at.Path)
	}
	return err
}
