package rq

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"io"
	"regexp"
	"strings"

	"github.com/quellhq/quell/internal/redisapi"
)

// trace is what RQ has kept of the failure of a job.
type trace struct {
	known bool   // a failure was kept, be it empty
	class string // the exception, without its modules; "" where the text names none
	says  string // its message, where everything that may be data is masked
	kind  string // see kinds
}

// mostTrace bounds what is unpacked of one: a few bytes may unpack to anything.
const mostTrace = 256 << 10

// unpack reads a text that was compressed by zlib, in base64 or not. It only
// unpacks: nothing of it is run or understood.
func unpack(text string) (string, bool) {
	data := []byte(text)
	if len(text) > 0 && text[0] != 0x78 { // the first byte of zlib's own format
		plain, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return text, true // RQ before 1.0 kept it as it is
		}
		data = plain
	}
	r, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return "", false
	}
	defer func() { _ = r.Close() }()
	out, err := io.ReadAll(io.LimitReader(r, mostTrace))
	if err != nil && len(out) == 0 {
		return "", false
	}
	return string(out), true
}

// raised finds the last line that names an exception, as Python writes it at the
// end of a traceback: "module.Name: message".
var raised = regexp.MustCompile(`(?m)^(?:[A-Za-z_][\w.]*\.)?([A-Z]\w*)(?::[ \t]*(.*))?$`)

// readTrace reads the text of a failure.
func readTrace(text string) trace {
	t := trace{known: true, kind: "other"}
	if all := raised.FindAllStringSubmatch(text, -1); len(all) > 0 {
		last := all[len(all)-1]
		t.class, t.says = redisapi.Clip(last[1]), mask(last[2])
	} else {
		t.says = mask(lastLine(text))
	}
	for _, k := range kinds {
		if k.shows.MatchString(t.class + ": " + lastLine(text)) {
			t.kind = k.name
			break
		}
	}
	if strings.TrimSpace(text) == "" {
		t.kind = "silent"
	}
	return t
}

// kinds are failures that have a meaning of their own.
var kinds = []struct {
	name  string
	shows *regexp.Regexp
}{
	{"killed", regexp.MustCompile(`Work-horse (process )?(was )?terminated unexpectedly`)},
	{"timeout", regexp.MustCompile(`^(\w*JobTimeout\w*|TimeLimitExceeded|SoftTimeLimitExceeded):|exceeded maximum timeout`)},
	{"abandoned", regexp.MustCompile(`AbandonedJobError|Moved to FailedJobRegistry`)},
	{"import", regexp.MustCompile(`^(ModuleNotFoundError|ImportError):|Invalid attribute name|module '[^']*' has no attribute`)},
	{"unreadable", regexp.MustCompile(`^(DeserializationError|UnpicklingError|UnpickleError)`)},
	{"absent", regexp.MustCompile(`^\w*(DoesNotExist|NotFound|NotFoundError|NoResultFound|NoSuchKey|NoSuchBucket):|(?i:\b(not found|does(n't| not) exist|no longer exists|no such (file|key|row|record|object)|is missing|unknown id)\b)`)},
	{"memory", regexp.MustCompile(`^MemoryError:`)},
	{"unreachable", regexp.MustCompile(`^(\w*Connection\w*Error|ConnectionRefusedError|OperationalError|\w*ConnectTimeout|\w*ReadTimeout|TimeoutError|gaierror|\w*InterfaceError):`)},
}

// mask keeps words and hides what may be data: anything with a digit, or beside
// a quote, an equals sign or the like.
func mask(text string) string {
	words := strings.Fields(text)
	for i, w := range words[:min(len(words), 30)] {
		if !isWord(w) {
			words[i] = "<*>"
		}
	}
	return redisapi.Clip(strings.Join(words[:min(len(words), 30)], " "))
}

func isWord(w string) bool {
	w = strings.Trim(w, ".,:;()")
	return w != "" && len(w) <= 24 && !strings.ContainsFunc(w, func(r rune) bool {
		return r != '-' && r != '\'' && (r < 'A' || r > 'z' || r > 'Z' && r < 'a')
	})
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
