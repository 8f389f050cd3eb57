package postgres

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/action"
)

// parameter is a setting of the server as pg_settings describes it.
type parameter struct {
	name, context, vartype, unit string
	low, top                     string
	words                        []string // of an enum
	live                         string   // what sessions get that nobody has set it for
	source                       string
	boot                         string // what the server was built with
	pending                      bool   // written and waiting for a restart
}

func parameterOf(row map[string]any) parameter {
	return parameter{
		name: str(row, "name"), context: str(row, "context"), vartype: str(row, "vartype"), unit: str(row, "unit"),
		low: str(row, "min_val"), top: str(row, "max_val"), live: str(row, "live"), source: str(row, "source"), boot: str(row, "boot_val"),
		pending: truth(row, "pending_restart"), words: texts(row["enumvals"]),
	}
}

// canon writes a value in one form, so that 1GB and 1024 MB are equal. It
// refuses what the server would refuse of this type; texts are only checked by
// the server itself.
func (p parameter) canon(value string) (string, error) {
	switch p.vartype {
	case "bool":
		b, ok := yesOrNo(value)
		if !ok {
			return "", action.Refuse("", "%s is %q: it is on or off", p.name, value)
		}
		return strconv.FormatBool(b), nil
	case "enum":
		return p.word(value)
	case "integer", "real":
		return p.number(value)
	}
	if elements, ok := elementsOf(value); ok && quotedLists[p.name] {
		return strings.Join(elements, "\x00"), nil
	}
	return value, nil
}

func (p parameter) word(value string) (string, error) {
	word := strings.ToLower(value)
	if slices.Contains(p.words, word) {
		return word, nil
	}
	// Spellings of truth that enums with on and off take beside their words.
	if b, ok := yesOrNo(word); ok && slices.Contains([]string{"true", "false", "yes", "no", "1", "0"}, word) {
		for _, w := range p.words {
			if is, same := yesOrNo(w); same && is == b {
				return w, nil
			}
		}
	}
	return "", action.Refuse("", "%s is %q: it is one of %s", p.name, value, strings.Join(p.words, ", "))
}

// units are what the server multiplies by: memory in bytes, time in
// microseconds. A parameter's own unit may have a number before it (8kB).
var units = []map[string]float64{
	{"B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40},
	{"us": 1, "ms": 1e3, "s": 1e6, "min": 6e7, "h": 3.6e9, "d": 8.64e10},
}

func (p parameter) number(value string) (string, error) {
	refuse := func(why string) (string, error) {
		return "", action.Refuse("", "%s is %q: %s", p.name, value, why)
	}
	n, unit, ok := numberAndUnit(value, p.vartype == "integer")
	if !ok {
		return refuse("it is a number" + p.unitsText())
	}
	if unit != "" {
		factor, fine, ok := p.factor(unit)
		if !ok {
			return refuse("it is a number" + p.unitsText())
		}
		n *= factor
		if fine > 0 {
			n = math.RoundToEven(n/fine) * fine
		}
	}
	if p.vartype == "integer" {
		n = math.RoundToEven(n)
	}
	low, _ := strconv.ParseFloat(p.low, 64)
	top, _ := strconv.ParseFloat(p.top, 64)
	if p.low != "" && n < low || p.top != "" && n > top {
		return refuse("it lies between " + p.low + " and " + p.top + " " + p.unit)
	}
	if p.vartype == "real" {
		return strconv.FormatFloat(n, 'g', 6, 64), nil // the server shows no more digits
	}
	return strconv.FormatFloat(n, 'f', -1, 64), nil
}

// factor is how many of the parameter's own unit one of the given is, and how
// many the next smaller one is (0 for the smallest): the server rounds to it.
func (p parameter) factor(unit string) (factor, fine float64, ok bool) {
	n, base, numbered := numberAndUnit(p.unit, true)
	if !numbered {
		n, base = 1, p.unit
	}
	for _, family := range units {
		own, given := family[base]*n, family[unit]
		if own == 0 || given == 0 {
			continue
		}
		for _, smaller := range family {
			if smaller < given {
				fine = max(fine, smaller/own)
			}
		}
		return given / own, fine, true
	}
	return 0, 0, false
}

func (p parameter) unitsText() string {
	for _, family := range units {
		base := strings.TrimLeft(p.unit, "0123456789")
		if _, ok := family[base]; ok {
			names := make([]string, 0, len(family))
			for name := range family {
				names = append(names, name)
			}
			slices.SortFunc(names, func(a, b string) int { return int(math.Copysign(1, family[a]-family[b])) })
			return ", with one of the units " + strings.Join(names, ", ")
		}
	}
	return ""
}

// numberAndUnit splits "1.5 GB"; ok is false where it is no number.
func numberAndUnit(text string, whole bool) (n float64, unit string, ok bool) {
	text = strings.TrimSpace(text)
	if n, ok := plainNumberOf(text, whole); ok {
		return n, "", true
	}
	for _, family := range units {
		for name := range family {
			if before, has := strings.CutSuffix(text, name); has && len(name) > len(unit) {
				if f, is := plainNumberOf(strings.TrimSpace(before), whole); is {
					n, unit, ok = f, name, true
				}
			}
		}
	}
	return n, unit, ok
}

// plainNumberOf reads a number as C does: whole ones may be hexadecimal or octal
// (0x1F, 017), and what Go has beyond that (1_000, 0b11, Inf) is none.
func plainNumberOf(text string, whole bool) (float64, bool) {
	hex := strings.HasPrefix(strings.TrimLeft(strings.ToLower(text), "+-"), "0x")
	if !hex && strings.Trim(text, "0123456789.eE+-") != "" || strings.Contains(text, "_") {
		return 0, false
	}
	if i, err := strconv.ParseInt(text, 0, 64); (whole || hex) && err == nil {
		return float64(i), true
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil && !math.IsInf(f, 0)
}

// quotedLists are the parameters whose elements the server keeps in double
// quotes each: a list given as one text would be one element with commas in it.
// The server does not tell which those are; pg_dump has the same list.
var quotedLists = map[string]bool{
	"local_preload_libraries": true, "search_path": true, "session_preload_libraries": true,
	"shared_preload_libraries": true, "temp_tablespaces": true, "unix_socket_directories": true,
}

// assignment is the right side of a SET.
func (p parameter) assignment(value string) (string, error) {
	if !quotedLists[p.name] {
		return quoteText(value), nil
	}
	elements, ok := elementsOf(value)
	if !ok {
		return "", action.Refuse("to empty it, take the setting away (reset: true)", "%s is %q: it is a list of names with commas between", p.name, value)
	}
	return quotedList(elements), nil
}

// elementsOf splits a list at its commas; an element may stand in double quotes.
func elementsOf(list string) ([]string, bool) {
	var out []string
	for rest := strings.TrimSpace(list); ; {
		element, after, ok := firstElement(rest)
		if !ok {
			return nil, false
		}
		out = append(out, element)
		after = strings.TrimSpace(after)
		if after == "" {
			return out, true
		}
		if after[0] != ',' {
			return nil, false
		}
		rest = strings.TrimSpace(after[1:])
	}
}

func firstElement(text string) (element, rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexByte(text+",", ',')
		element = strings.TrimSpace(text[:end])
		return element, text[end:], element != "" && !strings.Contains(element, `"`)
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '"' && strings.HasPrefix(text[i+1:], `"`):
			b.WriteByte('"')
			i++
		case text[i] == '"':
			return b.String(), text[i+1:], b.Len() > 0
		default:
			b.WriteByte(text[i])
		}
	}
	return "", "", false
}
