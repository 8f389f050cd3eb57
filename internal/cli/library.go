package cli

import "github.com/quellhq/quell/internal/app"

// library loads the playbooks that the configuration names, or the shipped
// ones where there is none.
func library(string) (app.Library, error) {
	l, err := app.LoadLibrary(nil)
	if err != nil {
		return l, &exit{exitUsage, err}
	}
	return l, nil
}
