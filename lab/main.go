// Command lab runs a real service with real faults on this machine, and scores
// the diagnosis of them.
//
//	go run ./lab list                      what faults there are
//	go run ./lab run --fault NAME          one fault, kept up to look around with quell
//	go run ./lab score [--fault NAME]…     every fault, or some; prints the table
//	go run ./lab again DIR                 the same from the answers that score --keep DIR kept
//	go run ./lab loop [--fault NAME]…      the same, and quell mends what it has found
//	go run ./lab table FILE…               what results come to
//	go run ./lab blind [--fault NAME]…     the same with each source taken away in turn
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/lab/stack"
)

func main() {
	stack.Keep()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	root := &cobra.Command{
		Use: "lab", Short: "Runs a real service with real faults, and scores the diagnosis of them",
		SilenceUsage: true, SilenceErrors: true,
	}
	root.AddCommand(list(), run(), scored(), again(), closed(), blinded(), table())
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		stop()
		os.Exit(1)
	}
}
