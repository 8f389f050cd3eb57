package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/expr"
)

// Exhibit is a piece of evidence that the report rests on, under the number by
// which it is cited.
type Exhibit struct {
	Number   int
	Probe    string // as its playbook calls it
	Playbook string
	Question string // as it was sent
	Target   string
	Status   string
	Clock    string
	Took     string
	Answer   string // in short
	Notes    []string
}

// cite gives an answer its number, the same each time.
func (t *teller) cite(r reading) int {
	key := exhibitKey(r)
	if n, ok := t.cited[key]; ok {
		return n
	}
	n := len(t.exhibits) + 1
	t.cited[key] = n
	t.exhibits = append(t.exhibits, Exhibit{
		Number: n, Probe: r.probe, Playbook: r.playbook, Question: r.Question, Target: r.Target, Status: string(r.Status),
		Clock: t.clock(r.At), Took: spell(r.Took), Answer: inShort(r.Answer), Notes: r.Notes,
	})
	return n
}

// exhibitKey is what makes two readings the same answer, whatever playbooks
// call it.
func exhibitKey(r reading) string {
	return strings.Join([]string{r.Target, r.Question, r.Service, r.At.UTC().Format(time.RFC3339Nano), inShort(r.Answer)}, "\x00")
}

// others counts the questions of the round that nothing rests on.
func (t *teller) others() int {
	if t.round == nil {
		return 0
	}
	rests := 0
	for _, e := range t.round.Evidence {
		if _, ok := t.cited[exhibitKey(reading{Evidence: e})]; ok {
			rests++
		}
	}
	return len(t.round.Evidence) - rests
}

// longestAnswer is how much of an answer stands in the report; the record has
// all of it.
const longestAnswer = 300

// inShort is an answer in a line.
func inShort(a evidence.Answer) string {
	if !a.Known() {
		return a.Reason
	}
	if streams := evidence.Streams(a.Value); streams != nil {
		return seriesInShort(streams)
	}
	text := expr.FormatValue(a.Value)
	if list, ok := a.Value.([]any); ok {
		text = fmt.Sprintf("%s: %s", count(len(list), "row"), text)
		if len(list) == 0 {
			text = "no rows"
		}
	}
	return cut(visible(text), longestAnswer)
}

func seriesInShort(streams []evidence.Stream) string {
	points := 0
	low, high := streams[0].Points[0].V, streams[0].Points[0].V
	for _, s := range streams {
		points += len(s.Points)
		for _, p := range s.Points {
			low, high = min(low, p.V), max(high, p.V)
		}
	}
	text := "one series"
	if len(streams) > 1 {
		text = fmt.Sprintf("%d series", len(streams))
	}
	return fmt.Sprintf("%s of %s, from %s to %s", text, count(points, "sample"), expr.FormatValue(low), expr.FormatValue(high))
}
