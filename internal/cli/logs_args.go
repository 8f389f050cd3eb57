package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/quellhq/quell/internal/logql"
)

// looksLikeQuery tells a query from a file name. A query begins with its
// selector, or with a function that has one somewhere.
func looksLikeQuery(arg string) bool {
	if strings.HasPrefix(strings.TrimSpace(arg), "{") || strings.HasPrefix(strings.TrimSpace(arg), "#") {
		return true
	}
	if _, err := logql.Parse(arg); err == nil {
		return true
	}
	if _, err := logql.ParseIn(logql.Strict, arg); err == nil {
		return true
	}
	return strings.Contains(arg, "{") && strings.Contains(arg, "(") && !isFile(arg)
}

func isFile(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// queryFirst takes the query out of the arguments. It stands first; where it
// stands later it is found, and where a file stands in its place that is said.
func queryFirst(args []string) (query string, files []string, err error) {
	if looksLikeQuery(args[0]) {
		return args[0], args[1:], nil
	}
	at := -1
	for i, arg := range args {
		if looksLikeQuery(arg) {
			at = i
			break
		}
	}
	switch {
	case at > 0:
		return args[at], append(append([]string{}, args[:at]...), args[at+1:]...), nil
	case args[0] == "-" || isFile(args[0]):
		return "", nil, usage("logs: %s is a file, and there is no query: write `quell logs '{}' %s` to take every line", args[0], args[0])
	}
	return args[0], args[1:], nil
}

// optionalQuery takes the query out of the arguments where there is one; else
// every line is meant.
func optionalQuery(args []string) (query string, files []string) {
	for i, arg := range args {
		if looksLikeQuery(arg) {
			return arg, append(append([]string{}, args[:i]...), args[i+1:]...)
		}
	}
	return "{}", args
}

// piped reports whether standard input is a pipe or a file, so that something
// was meant to be read from it.
func piped(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok {
		return in != nil
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice != 0 {
		return false
	}
	return true
}

// badQuery shows a query with a caret under the place of the error.
func badQuery(command, text string, err error) error {
	var wrong *logql.Error
	if !errors.As(err, &wrong) {
		return &exit{exitUsage, fmt.Errorf("%s: %w", command, err)}
	}
	message := command + ": " + wrong.Reason
	if strings.TrimSpace(text) != "" {
		message += "\n" + caret(text, wrong.Offset, wrong.Offset)
	}
	if wrong.Suggestion != "" {
		message += "\n  " + wrong.Suggestion
	}
	return &exit{exitUsage, errors.New(message)}
}

// caretWidth is how much of a long line is shown around the caret, in letters.
const caretWidth = 100

// caret shows the line of the text in which from stands, and marks what is
// between from and to below it.
func caret(text string, from, to int) string {
	from = min(max(from, 0), len(text))
	start := strings.LastIndexByte(text[:from], '\n') + 1
	end := len(text)
	if i := strings.IndexByte(text[from:], '\n'); i >= 0 {
		end = from + i
	}
	line := strings.ReplaceAll(text[start:end], "\t", " ")
	before := []rune(line[:from-start])
	shown := []rune(line)
	cut := 0
	if len(shown) > caretWidth {
		cut = max(0, min(len(before)-caretWidth/2, len(shown)-caretWidth))
		shown = shown[cut:min(len(shown), cut+caretWidth)]
	}
	if cut > 0 {
		shown[0] = '…'
	}
	if len([]rune(line)) > cut+len(shown) {
		shown[len(shown)-1] = '…'
	}
	marks := max(1, utf8.RuneCountInString(text[from:min(max(to, from), end)]))
	column := len(before) - cut
	marks = max(1, min(marks, len(shown)-column))
	out := "  " + string(shown) + "\n  " + strings.Repeat(" ", column) + strings.Repeat("^", marks)
	if n := strings.Count(text[:start], "\n"); strings.Contains(text, "\n") {
		out = fmt.Sprintf("  line %d:\n%s", n+1, out)
	}
	return out
}
