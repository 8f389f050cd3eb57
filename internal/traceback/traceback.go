// Package traceback reads what is left of a failure of a Python job: the class
// of the exception, its words without the data in them, and what kind of failure
// it is. It looks at text alone; nothing is run or unpickled.
package traceback

import (
	"regexp"
	"strings"
)

// Trace is one failure.
type Trace struct {
	Class string // the exception, without its modules; "" where the text names none
	Says  string // its message, where everything that may be data is masked
	Kind  string // see kinds; "silent" where there is no text, "other" where none fits
}

// raised finds the last line that names an exception, as Python writes it at the
// end of a traceback: "module.Name: message".
var raised = regexp.MustCompile(`(?m)^(?:[A-Za-z_][\w.]*\.)?([A-Z]\w*)(?::[ \t]*(.*))?$`)

// Read reads the text of a failure.
func Read(text string) Trace {
	if strings.TrimSpace(text) == "" {
		return Trace{Kind: "silent"}
	}
	if all := raised.FindAllStringSubmatch(text, -1); len(all) > 0 {
		last := all[len(all)-1]
		return Of(last[1], last[2])
	}
	line := lastLine(text)
	return Trace{Says: Mask(line), Kind: kind(": " + line)}
}

// Of is Read where class and message are known.
func Of(class, message string) Trace {
	return Trace{Class: clip(class), Says: Mask(message), Kind: kind(class + ": " + message)}
}

// kinds are failures that have a meaning of their own.
var kinds = []struct {
	name  string
	shows *regexp.Regexp
}{
	// What waitpid returns is below 256 where a signal ended it; above, it ended itself.
	{"killed", regexp.MustCompile(`Work-horse (process )?(was )?terminated unexpectedly[^0-9]*(([0-9]{1,2}|1[0-9]{2}|2[0-4][0-9]|25[0-5])([^0-9]|$)|$)|^WorkerLostError:`)},
	{"timeout", regexp.MustCompile(`^(\w*JobTimeout\w*|TimeLimitExceeded|SoftTimeLimitExceeded):|exceeded maximum timeout`)},
	{"abandoned", regexp.MustCompile(`AbandonedJobError|Moved to FailedJobRegistry`)},
	{"import", regexp.MustCompile(`^(ModuleNotFoundError|ImportError|NotRegistered):|Invalid attribute name|module '[^']*' has no attribute`)},
	{"unreadable", regexp.MustCompile(`^(DeserializationError|UnpicklingError|UnpickleError|DecodeError|ContentDisallowed)`)},
	{"schema", regexp.MustCompile(`^Undefined(Table|Column|Function|Object)|(?i:\b(relation|column|table|schema|function|type|sequence|database|role) "?[^ "]+"? (of relation "?[^ "]+"? )?does not exist|no such (table|column)\b|unknown column)`)},
	{"absent", regexp.MustCompile(`^\w*(DoesNotExist|NotFound|NotFoundError|NoResultFound|NoSuchKey|NoSuchBucket):|(?i:\b(not found|does(n't| not) exist|no longer exists|no such (file|key|row|record|object)|is missing|unknown id)\b)`)},
	{"memory", regexp.MustCompile(`^MemoryError:`)},
	{"unreachable", regexp.MustCompile(`^(\w*Connection\w*Error|ConnectionRefusedError|OperationalError|\w*ConnectTimeout|\w*ReadTimeout|TimeoutError|gaierror|\w*InterfaceError):`)},
}

func kind(line string) string {
	for _, k := range kinds {
		if k.shows.MatchString(line) {
			return k.name
		}
	}
	return "other"
}

// mostWords of a message are shown.
const mostWords = 30

// Mask keeps words and hides what may be data: anything with a digit, or beside
// a quote, an equals sign or the like.
func Mask(text string) string {
	words := strings.Fields(text)
	words = words[:min(len(words), mostWords)]
	for i, w := range words {
		if !isWord(w) {
			words[i] = "<*>"
		}
	}
	return clip(strings.Join(words, " "))
}

func isWord(w string) bool {
	w = strings.Trim(w, ".,:;()")
	return w != "" && len(w) <= 24 && !strings.ContainsFunc(w, func(r rune) bool {
		return r != '-' && r != '\'' && (r < 'A' || r > 'z' || r > 'Z' && r < 'a')
	}) && !strings.HasPrefix(w, "'")
}

func clip(text string) string {
	if r := []rune(strings.ToValidUTF8(text, "?")); len(r) > 200 {
		return string(r[:200]) + "…"
	}
	return text
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
