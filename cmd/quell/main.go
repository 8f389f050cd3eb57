// Command quell is the runbook that runs itself.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/quellhq/quell/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first Ctrl-C ends the round and prints what is known; a second one
	// ends the process, because the signals are then the system's again.
	go func() { <-ctx.Done(); stop() }()
	os.Exit(cli.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
