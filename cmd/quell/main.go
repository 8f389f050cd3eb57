// Command quell is the runbook that runs itself.
package main

import (
	"os"

	"github.com/quellhq/quell/internal/cli"
)

func main() { os.Exit(cli.Process()) }
