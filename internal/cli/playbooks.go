package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/playbook"
)

func lintCommand(s streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "lint [PATH…]",
		Short:   "Check playbooks, file or directory",
		Long:    "Reads every playbook and prints file:line:column: what is wrong, and what was meant.\nErrors stop a load, warnings do not. Without a path it checks ./playbooks.",
		Example: "  quell lint\n  quell lint playbooks/db/locks.md",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"playbooks"}
			}
			findings, err := app.Lint(args)
			if err != nil {
				return usage("lint: %w", noFile(err))
			}
			if asJSON {
				if err := writeJSON(s, nonNil(findings)); err != nil {
					return err
				}
			} else {
				for _, f := range findings {
					fmt.Fprintln(s.out, f)
				}
			}
			if playbook.HasErrors(findings) {
				return &exit{code: exitFailed}
			}
			fmt.Fprintf(s.err, "%s, no errors\n", strings.Join(args, ", "))
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the findings as JSON")
	return cmd
}

func fmtCommand(s streams) *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:     "fmt PATH…",
		Short:   "Write playbooks in their canonical form",
		Long:    "Aligns tables and fence lines. Prose is kept byte for byte. Directories are walked.",
		Example: "  quell fmt playbooks\n  quell fmt --check playbooks",
		Args:    atLeast(1, "name files or directories, like `quell fmt playbooks`"),
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := markdownFiles(args)
			if err != nil {
				return usage("fmt: %w", noFile(err))
			}
			changed := 0
			for _, file := range files {
				was, err := os.ReadFile(file)
				if err != nil {
					return usage("fmt: %w", err)
				}
				is, err := playbook.Format(was)
				if err != nil {
					return usage("fmt: %s: %w", file, err)
				}
				if bytes.Equal(was, is) {
					continue
				}
				changed++
				fmt.Fprintln(s.out, file)
				if check {
					continue
				}
				if err := os.WriteFile(file, is, 0o644); err != nil {
					return &exit{exitFailed, err}
				}
			}
			if check && changed > 0 {
				return &exit{code: exitFailed}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "change nothing; fail when a file would change")
	return cmd
}

func markdownFiles(paths []string) ([]string, error) {
	var files []string
	for _, p := range paths {
		err := filepath.WalkDir(p, func(file string, d os.DirEntry, err error) error {
			switch {
			case err != nil || d.IsDir():
			case strings.HasSuffix(file, ".md"):
				files = append(files, file)
			case file == p:
				return fmt.Errorf("%s is no playbook: they are Markdown files, NAME.md", p)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

func testCommand(s streams) *cobra.Command {
	var asJSON, verbose bool
	var only string
	cmd := &cobra.Command{
		Use:     "test [DIR]",
		Short:   "Play the case files of playbooks, without any system",
		Long:    "Plays NAME.cases/*.txtar beside each NAME.md: scripted answers in, and the diagnosis\nthat must come of them. Without a directory it takes ./playbooks.",
		Example: "  quell test\n  quell test playbooks --run locks -v",
		Args:    atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "playbooks"
			if len(args) == 1 {
				dir = args[0]
			}
			pattern, err := regexp.Compile(only)
			if err != nil {
				return usage("--run: %w", err)
			}
			played, err := app.Rehearse(dir, pattern)
			if err != nil {
				return usage("test: %w", noFile(err))
			}
			failed := 0
			for _, p := range played {
				if !p.OK() {
					failed++
				}
				switch {
				case asJSON:
				case !p.OK():
					fmt.Fprintf(s.out, "FAIL %s\n", p.Path)
					if p.Error != "" {
						fmt.Fprintf(s.out, "     %s\n", p.Error)
					}
					for _, f := range p.Failures {
						fmt.Fprintf(s.out, "     %s\n", f)
					}
				case verbose:
					fmt.Fprintf(s.out, "ok   %s\n", p.Path)
				}
			}
			if asJSON {
				if err := writeJSON(s, nonNil(played)); err != nil {
					return err
				}
			} else {
				fmt.Fprintf(s.out, "%d cases, %d failed\n", len(played), failed)
			}
			if len(played) == 0 {
				fmt.Fprintln(s.err, "no case was played: cases stand in NAME.cases/*.txtar beside NAME.md, and --run picks some of them")
			}
			if failed > 0 {
				return &exit{code: exitFailed}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the results as JSON")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "name the cases that passed too")
	cmd.Flags().StringVar(&only, "run", "", "play only cases whose path matches this regular expression")
	return cmd
}

func explainCommand(s streams) *cobra.Command {
	var functions, signatures, causes, asJSON bool
	var config string
	cmd := &cobra.Command{
		Use:     "explain [PLAYBOOK[#CONDITION]]",
		Short:   "Say what a playbook asks, of whom, and what its signs mean",
		Long:    "Without a name it lists the playbooks.",
		Example: "  quell explain\n  quell explain db/locks\n  quell explain --functions\n  quell explain --signatures redis\n  quell explain --causes",
		Args:    atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if functions {
				explainFunctions(s)
				return nil
			}
			library, err := library(s, config)
			if err != nil {
				return err
			}
			if signatures {
				return explainSignatures(s, library.Book, args, asJSON)
			}
			if causes {
				return explainCauses(s, library.Book, args, asJSON)
			}
			if asJSON {
				return usage("explain: --json goes with --causes and --signatures")
			}
			if len(args) == 0 {
				for _, p := range library.Book.Playbooks {
					fmt.Fprintf(s.out, "%-22s %s\n", p.ID, p.Title)
				}
				return nil
			}
			if err := library.Book.Explain(s.out, args[0]); err != nil {
				return usage("explain: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&config, "config", "c", "", "configuration file that names your own playbooks (default: quell.yaml here or above)")
	cmd.Flags().BoolVar(&functions, "functions", false, "list the functions that signs may use")
	cmd.Flags().BoolVar(&signatures, "signatures", false, "list the log lines that have a name, all or those whose name has the given word")
	cmd.Flags().BoolVar(&causes, "causes", false, "list the root causes that are known, with their signs and look-alikes; all, or those with the given word")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the causes or signatures as JSON")
	return cmd
}

func explainFunctions(s streams) {
	for _, f := range expr.Functions() {
		fmt.Fprintf(s.out, "%s\n    %s\n    %s\n", f.Call, f.Gives, f.Example)
	}
	fmt.Fprintln(s.out, "\nAnd CEL's own: exists, all, filter, map, has, size, matches, contains, startsWith, endsWith, in.\nNumbers mix freely, / keeps the remainder, durations are written 5m or 1h30m, now is in seconds.")
}

func writeJSON(s streams, v any) error {
	enc := json.NewEncoder(s.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return &exit{exitFailed, err}
	}
	return nil
}

// nonNil makes an empty list print as [] and not as null.
func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
