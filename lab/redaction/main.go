// Redaction lets the redactor loose on lines in which secrets are marked, and
// prints how many it finds, how much of that is none, and what it damages. With
// -page it writes the reference page.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/quellhq/quell/internal/secret"
	"github.com/quellhq/quell/internal/secret/secrettest"
)

func main() {
	page := flag.String("page", "", "write the reference page to this file instead of printing figures")
	lines := flag.String("lines", "internal/secret/testdata", "the directory with corpus and holdout")
	flag.Parse()
	if err := measure(*lines, *page); err != nil {
		fmt.Fprintln(os.Stderr, "redaction:", err)
		os.Exit(1)
	}
}

// sets of lines, each with what it is.
var sets = []struct{ dir, about string }{
	{"corpus", "lines that the rules were made with"},
	{"holdout", "lines that were written after the rules"},
}

func measure(lines, page string) error {
	var scores []secrettest.Score
	for _, set := range sets {
		cases, err := secrettest.Read(os.DirFS(filepath.Join(lines, set.dir)))
		if err != nil {
			return err
		}
		scores = append(scores, secrettest.Measure(secret.NewRedactor(), cases))
	}
	if page != "" {
		return os.WriteFile(page, []byte(reference(scores)), 0o644)
	}
	for i, s := range scores {
		fmt.Printf("%s\n\n%s\n", sets[i].about, table(s))
		for _, list := range [][]string{s.Missed, s.Wrong, s.Bad} {
			for _, line := range list {
				fmt.Println(line)
			}
		}
		fmt.Println()
	}
	return nil
}
