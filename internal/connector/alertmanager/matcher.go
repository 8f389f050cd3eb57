package alertmanager

import (
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/action"
)

// matcher is one condition on a label, as the API has it.
type matcher struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	IsRegex bool   `json:"isRegex"`
	IsEqual bool   `json:"isEqual"`
}

// String writes a matcher as one writes it oneself: alertname="Slow".
func (m matcher) String() string {
	op := map[[2]bool]string{{false, true}: "=", {false, false}: "!=", {true, true}: "=~", {true, false}: "!~"}[[2]bool{m.IsRegex, m.IsEqual}]
	name := m.Name
	if !plainName.MatchString(name) {
		name = strconv.Quote(name)
	}
	return name + op + quote(m.Value)
}

// quote escapes what Alertmanager's own parser unescapes: backslash, quote and
// line break, and nothing else.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}

func join(matchers []matcher) string {
	texts := make([]string, len(matchers))
	for i, m := range matchers {
		texts[i] = m.String()
	}
	sort.Strings(texts)
	return strings.Join(texts, ", ")
}

var (
	plainName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	written   = regexp.MustCompile(`(?s)^\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*(.*?)\s*$`)
)

// maxMatchers bounds a silence; people write three.
const maxMatchers = 20

// parseMatchers reads what was asked for. It refuses what cannot be read, and
// what would mute nearly everything.
func parseMatchers(list []any) ([]matcher, error) {
	if len(list) == 0 || len(list) > maxMatchers {
		return nil, action.Refuse(`name what to mute: matchers: ["alertname=\"ApiSlow\"", "service=\"shop\""]`, "a silence has 1 to %d matchers, not %d", maxMatchers, len(list))
	}
	var out []matcher
	seen := map[string]bool{}
	narrows := false
	for _, item := range list {
		m, err := parseMatcher(fmt.Sprint(item))
		if err != nil {
			return nil, action.Refuse("", "matcher %v: %s", item, err)
		}
		if !seen[m.String()] {
			seen[m.String()] = true
			out = append(out, m)
		}
		narrows = narrows || m.narrows()
	}
	if !narrows {
		return nil, action.Refuse(`add one that names something: alertname="ApiSlow"`, "a silence of %s would mute nearly every alert", join(out))
	}
	sort.Slice(out, func(i, j int) bool { return out[i].String() < out[j].String() })
	return out, nil
}

func parseMatcher(text string) (matcher, error) {
	parts := written.FindStringSubmatch(text)
	if parts == nil {
		return matcher{}, fmt.Errorf(`write it like alertname="ApiSlow", with =, !=, =~ or !~`)
	}
	m := matcher{Name: parts[1], Value: parts[3], IsRegex: strings.HasSuffix(parts[2], "~"), IsEqual: parts[2][0] == '='}
	if strings.HasPrefix(m.Value, `"`) {
		value, err := unquote(m.Value)
		if err != nil {
			return m, err
		}
		m.Value = value
	} else if strings.ContainsAny(m.Value, "\"{},") {
		return m, fmt.Errorf(`put the value in quotes: %s%s"…"`, m.Name, parts[2])
	}
	if m.IsRegex {
		if _, err := m.expression(); err != nil {
			return m, fmt.Errorf("the expression cannot be read: %w", err)
		}
	}
	return m, nil
}

func unquote(text string) (string, error) {
	body, ok := strings.CutSuffix(text[1:], `"`)
	if !ok {
		return "", fmt.Errorf("the quote is never closed")
	}
	var b strings.Builder
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '"':
			return "", fmt.Errorf(`a quote inside of the value is written \"`)
		case c != '\\':
			b.WriteByte(c)
		case i+1 == len(body):
			return "", fmt.Errorf("the quote is never closed")
		default:
			i++
			switch body[i] {
			case 'n':
				b.WriteByte('\n')
			case '\\', '"':
				b.WriteByte(body[i])
			default: // \d and the like belong to an expression
				b.WriteByte('\\')
				b.WriteByte(body[i])
			}
		}
	}
	return b.String(), nil
}

// expression is anchored at both ends, as Alertmanager does it.
func (m matcher) expression() (*regexp.Regexp, error) { return regexp.Compile("^(?:" + m.Value + ")$") }

// strangers are values that nobody has. An expression that takes them all takes
// everything, however it is written.
var strangers = []string{"quell-7d1f0c", "0", "Zz_9", "a b/c:d.e"}

// narrows reports whether a matcher names something. Only what must be there
// does: everything else is what != and !~ leave, and so is a label that may be
// missing.
func (m matcher) narrows() bool {
	if !m.IsEqual {
		return false
	}
	if !m.IsRegex {
		return m.Value != ""
	}
	re, err := m.expression()
	if err != nil || re.MatchString("") {
		return false
	}
	for _, s := range strangers {
		if !re.MatchString(s) {
			return true
		}
	}
	return false
}
