package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/internal/app"
)

func initCommand(s streams) *cobra.Command {
	var path string
	var force, show bool
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a first quell.yaml from what is found here",
		Long: `Looks at DATABASE_URL, REDIS_URL and their like, .env, the compose file, the
Procfile, listening ports and log files, and writes quell.yaml. It connects to
nothing and writes no secret: addresses with a password are kept as references.`,
		Example: "  quell init && quell doctor\n  quell init --print",
		Args:    atMost(0),
		RunE: func(*cobra.Command, []string) error {
			draft, err := app.Draft(".")
			if err != nil {
				return &exit{exitFailed, err}
			}
			for _, n := range draft.Notes {
				fmt.Fprintln(s.err, n)
			}
			if show {
				fmt.Fprint(s.out, draft.YAML)
				return nil
			}
			if err := app.WriteConfig(path, draft, force); err != nil {
				return &exit{exitFailed, err}
			}
			if draft.Empty {
				fmt.Fprintf(s.out, "wrote %s: nothing to ask was found but this machine, so fill it in, then run `quell doctor`\n", path)
				return nil
			}
			fmt.Fprintf(s.out, "wrote %s with %d targets: read it, then run `quell doctor`\n", path, len(draft.Seen))
			return nil
		},
	}
	cmd.Flags().StringVarP(&path, "output", "o", "quell.yaml", "where to write")
	cmd.Flags().BoolVar(&force, "force", false, "replace a file that is there")
	cmd.Flags().BoolVar(&show, "print", false, "print it instead of writing it")
	return cmd
}
