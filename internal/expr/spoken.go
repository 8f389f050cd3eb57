package expr

import (
	"encoding/json"
	"strings"
)

// Names under which loggers write what happened, and why.
var (
	saidUnder = []string{"message", "msg", "event", "@message", "@m", "@mt", "short_message", "text"}
	whyUnder  = []string{"error", "err", "exception", "error_message", "exc_info", "@x", "reason"}
)

// spoken is what a line of JSON tells a person: its message and its error. Any
// other text stays as it is.
func spoken(line string) string {
	if !strings.HasPrefix(line, "{") {
		return line
	}
	var fields map[string]any
	if json.Unmarshal([]byte(line), &fields) != nil {
		return line
	}
	said := firstText(fields, saidUnder)
	if said == "" {
		return line
	}
	why := lastLine(firstText(fields, whyUnder))
	if why == "" || strings.Contains(said, why) {
		return said
	}
	return said + ": " + why
}

// firstText is the first of some fields that is a text, or holds a message.
func firstText(fields map[string]any, names []string) string {
	for _, name := range names {
		switch v := fields[name].(type) {
		case string:
			if v = strings.TrimSpace(v); v != "" {
				return v
			}
		case map[string]any:
			if v := firstText(v, saidUnder); v != "" {
				return v
			}
		}
	}
	return ""
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}
