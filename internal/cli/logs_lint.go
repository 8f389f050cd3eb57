package cli

import "github.com/spf13/cobra"

func logsLintCommand(s streams) *cobra.Command { return &cobra.Command{Use: "lint"} }
