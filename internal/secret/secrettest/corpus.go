// Package secrettest reads lines in which secrets are marked, and scores what
// finds them. Only tests and the tool that writes the figures import it.
package secrettest

import (
	"fmt"
	"hash/fnv"
	"io/fs"
	"math/rand"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// Case is one text of the corpus, without its marks.
type Case struct {
	At    string // file:line
	Text  string
	Marks []Mark // in order
}

// Mark is a secret that stands in a case: the bytes From up to To.
type Mark struct {
	From, To int
	Kind     string
}

// Read reads all the *.txt files of a directory. A line is a case. Lines with ##
// are comments. In a case
//
//	⟦kind:text⟧  marks a secret
//	⏎            is the end of a line
//	‹an36›       is a text that was drawn by lot, of a class and a length
//	¦            is nothing: it keeps what looks like a token of a vendor from
//	             looking like one to those who scan repositories
func Read(files fs.FS) ([]Case, error) {
	names, err := fs.Glob(files, "*.txt")
	if err != nil {
		return nil, err
	}
	var cases []Case
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		for n, line := range strings.Split(strings.TrimRight(string(data), "\n"), "\n") {
			if strings.HasPrefix(line, "##") || line == "" {
				continue
			}
			c, err := parse(line)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", name, n+1, err)
			}
			c.At = path.Base(name) + ":" + strconv.Itoa(n+1)
			cases = append(cases, c)
		}
	}
	return cases, nil
}

// parse takes the marks out of a line.
func parse(line string) (Case, error) {
	text, err := drawAll(strings.NewReplacer("¦", "", "⏎", "\n").Replace(line))
	if err != nil {
		return Case{}, err
	}
	var c Case
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "⟦")
		b.WriteString(before)
		if !found {
			break
		}
		inside, after, closed := strings.Cut(rest, "⟧")
		kind, secret, named := strings.Cut(inside, ":")
		if !closed || !named {
			return Case{}, fmt.Errorf("a mark is ⟦kind:text⟧, not %q", rest)
		}
		c.Marks = append(c.Marks, Mark{b.Len(), b.Len() + len(secret), kind})
		b.WriteString(secret)
		text = after
	}
	c.Text = b.String()
	return c, nil
}

// alphabets of what is drawn by lot.
var alphabets = map[string]string{
	"an":  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
	"lo":  "abcdefghijklmnopqrstuvwxyz0123456789",
	"up":  "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
	"hex": "0123456789abcdef",
	"HEX": "0123456789ABCDEF",
	"b":   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/",
	"dig": "123456789",
}

var drawn = regexp.MustCompile(`‹([a-zA-Z]+)(\d+)›`)

// drawAll puts texts in the places of ‹class length›. The same line always gets
// the same ones. They hold a digit and a letter where their class has both.
func drawAll(line string) (string, error) {
	seed := fnv.New64a()
	_, _ = seed.Write([]byte(line))
	lot := rand.New(rand.NewSource(int64(seed.Sum64())))
	var failed error
	out := drawn.ReplaceAllStringFunc(line, func(m string) string {
		parts := drawn.FindStringSubmatch(m)
		alphabet, n := alphabets[parts[1]], 0
		if n, _ = strconv.Atoi(parts[2]); alphabet == "" || n == 0 {
			failed = fmt.Errorf("there is no class %s", m)
			return ""
		}
		return draw(lot, alphabet, n)
	})
	return out, failed
}

func draw(lot *rand.Rand, alphabet string, n int) string {
	for {
		text := make([]byte, n)
		for i := range text {
			text[i] = alphabet[lot.Intn(len(alphabet))]
		}
		if n < 8 || mixed(string(text)) == mixed(alphabet) {
			return string(text)
		}
	}
}

// mixed says which of digits, small and capital letters a text has.
func mixed(text string) (sorts [3]bool) {
	return [3]bool{strings.ContainsAny(text, "0123456789"), strings.ContainsAny(text, "abcdef"), strings.ContainsAny(text, "ABCDEF")}
}
