package main

import (
	"fmt"
	"math/rand/v2"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/lab/fault"
	"github.com/quellhq/quell/lab/stack"
)

func run() *cobra.Command {
	var name string
	var seed uint64
	cmd := &cobra.Command{
		Use: "run", Short: "Starts the service, brings a fault about and keeps both up", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f := fault.Fault{Name: "nothing"}
			if name != "" {
				var err error
				if f, err = fault.Find(name); err != nil {
					return err
				}
			}
			ctx, say := cmd.Context(), cmd.ErrOrStderr()
			s, err := stack.Start(ctx, stack.Options{Seed: seed})
			if err != nil {
				return err
			}
			defer s.Stop()
			fmt.Fprintf(say, "the service answers at %s; everything is in %s\n", s.Front, s.Dir)
			if f.Inject != nil {
				if _, err := f.Inject(ctx, s, rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))); err != nil {
					return fmt.Errorf("bring %s about: %w", f.Name, err)
				}
				fmt.Fprintf(say, "%s: %s\n", f.Name, f.About)
			}
			fmt.Fprintf(say, "look around with:  quell diagnose --config %s\nCtrl-C ends it\n", s.Quell)
			<-ctx.Done()
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "fault", "", "name of the fault; none: all is well")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "of the fault's parameters and the customers")
	return cmd
}
