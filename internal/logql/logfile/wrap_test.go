package logfile_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/quellhq/quell/internal/logql/logfile"
)

const wrapTime = "2026-03-01T11:30:00.123456789Z"

func quoted(text string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(len(text)%2 == 0) // Docker escapes <>&, others do not
	if err := enc.Encode(text); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// wraps write a line as each framing does; some cut it in two at an offset.
var wraps = map[string]func(line string, cut int) string{
	"plain": func(line string, _ int) string { return line + "\n" },
	"docker": func(line string, _ int) string {
		return `{"log":` + quoted(line+"\n") + `,"stream":"stdout","time":"` + wrapTime + `"}` + "\n"
	},
	"docker with attrs": func(line string, _ int) string {
		return `{"log":` + quoted(line+"\n") + `,"stream":"stdout","attrs":{"tag":` + quoted(line) + `},"time":"` + wrapTime + `"}` + "\n"
	},
	"docker in pieces": func(line string, cut int) string {
		return `{"log":` + quoted(line[:cut]) + `,"stream":"stdout","time":"` + wrapTime + `"}` + "\n" +
			`{"log":"other\n","stream":"stderr","time":"` + wrapTime + `"}` + "\n" +
			`{"log":` + quoted(line[cut:]+"\n") + `,"stream":"stdout","time":"` + wrapTime + `"}` + "\n"
	},
	"CRI": func(line string, _ int) string { return wrapTime + " stdout F " + line + "\n" },
	"CRI in parts": func(line string, cut int) string {
		return wrapTime + " stdout P " + line[:cut] + "\n" + wrapTime + " stderr F other\n" + wrapTime + " stdout F " + line[cut:] + "\n"
	},
	"docker logs -t":        func(line string, _ int) string { return wrapTime + " " + line + "\n" },
	"kubectl logs --prefix": func(line string, _ int) string { return "[pod/a/b] " + line + "\n" },
	"both":                  func(line string, _ int) string { return "[pod/a/b] " + wrapTime + " " + line + "\n" },
	"docker compose logs":   func(line string, _ int) string { return "web-1  | " + line + "\n" },
	"journal": func(line string, _ int) string {
		return `{"_HOSTNAME":"h","MESSAGE":` + quoted(line) + `,"__REALTIME_TIMESTAMP":"1772364600123456"}` + "\n"
	},
	"journal, as bytes": func(line string, _ int) string {
		var numbers []string
		for _, c := range []byte(line) {
			numbers = append(numbers, strconv.Itoa(int(c)))
		}
		return `{"MESSAGE":[` + strings.Join(numbers, ",") + `],"__REALTIME_TIMESTAMP":"1772364600123456"}` + "\n"
	},
	"RFC 5424": func(line string, _ int) string { return "<14>1 " + wrapTime + " h app 1 - - " + line + "\n" },
	"logcli": func(line string, _ int) string {
		return `{"labels":{"a":"b"},"line":` + quoted(line) + `,"timestamp":"` + wrapTime + `"}` + "\n"
	},
	"CloudWatch": func(line string, _ int) string {
		return `{"timestamp":1772364600123,"message":` + quoted(line) + `,"eventId":"1"}` + "\n"
	},
}

// Whatever a line holds and however it is wrapped, it comes out as it was.
func TestWrappedLinesComeOutAsTheyWere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := rapid.StringOf(rapid.RuneFrom([]rune("ab \"\\/<>&\t{}[]:,|é😀\u2028")))
	rapid.Check(t, func(t *rapid.T) {
		var list []string
		for i := range rapid.IntRange(1, 5).Draw(t, "lines") {
			inner := text.Draw(t, "text") + "."
			line := "m" + inner
			if rapid.Bool().Draw(t, "object") {
				line = fmt.Sprintf(`{"n":%d,"msg":%s}`, i, quoted(inner))
			}
			list = append(list, line)
		}
		for _, name := range rapid.SliceOfN(rapid.SampledFrom(slices.Sorted(maps.Keys(wraps))), 3, 3).Draw(t, "wraps") {
			wrap := wraps[name]
			var in strings.Builder
			for _, line := range list {
				in.WriteString(wrap(line, strings.IndexAny(line, " .,")))
			}
			path := filepath.Join(dir, name)
			require.NoError(t, os.WriteFile(path, []byte(in.String()), 0o600))
			require.NoError(t, os.Chtimes(path, noon, noon))
			records, notes := read(t, logfile.Config{Paths: []string{path}}, lastHour)
			var came []string
			for _, g := range records {
				if g.line != "other" {
					came = append(came, g.line)
				}
			}
			require.Equal(t, list, came, "%s: %q %v", name, in.String(), notes)
		}
	})
}
