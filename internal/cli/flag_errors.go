package cli

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/quellhq/quell/internal/logql"
)

// flagFault says what is wrong with a flag as a person would.
func flagFault(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	var number *strconv.NumError
	switch {
	case errors.As(err, &unknown):
		if guess := logql.Nearest(unknown.GetSpecifiedName(), flagNames(cmd)); guess != "" {
			err = fmt.Errorf("%w: did you mean --%s?", err, guess)
		}
	case errors.As(err, &invalid) && errors.As(err, &number):
		flag := invalid.GetFlag()
		what := map[string]string{"int": "whole number", "float64": "number", "bool": "yes or no"}[flag.Value.Type()]
		if what == "" {
			what = flag.Value.Type()
		}
		err = fmt.Errorf("--%s: %q is no %s", flag.Name, invalid.GetValue(), what)
	}
	return usage("%w; `%s --help` lists the flags", err, cmd.CommandPath())
}

func flagNames(cmd *cobra.Command) []string {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	return names
}
