package http

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// pathHole writes a value as one segment of a path, or as one value of a query.
func pathHole(before string, value any) (string, error) {
	if strings.Contains(before, "?") {
		return url.QueryEscape(fmt.Sprint(value)), nil
	}
	return url.PathEscape(fmt.Sprint(value)), nil
}

// formHole writes a value into a form.
func formHole(_ string, value any) (string, error) { return url.QueryEscape(fmt.Sprint(value)), nil }

// plainHole writes a value as it is, where nothing is syntax. A header's value
// is that, since values hold no control characters.
func plainHole(_ string, value any) (string, error) { return fmt.Sprint(value), nil }

var jsonScalar = regexp.MustCompile(`^(?:true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)$`)

// jsonHole writes a value into JSON: inside of a string as a part of it, else
// as a number, a truth or a string of its own.
func jsonHole(before string, value any) (string, error) {
	text := fmt.Sprint(value)
	quoted, err := json.Marshal(text)
	if err != nil {
		return "", err
	}
	switch {
	case inString(before):
		return string(quoted[1 : len(quoted)-1]), nil
	case jsonScalar.MatchString(text):
		return text, nil
	}
	return string(quoted), nil
}

// inString reports whether a beginning of JSON ends inside of a string.
func inString(text string) bool {
	inside := false
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			inside = !inside
		}
	}
	return inside
}

// noDots refuses a path with a segment that leads elsewhere.
func noDots(path string) error {
	for _, segment := range strings.Split(path, "/") {
		if segment == "." || segment == ".." {
			return fmt.Errorf("the path %s leads elsewhere: it holds %s", path, segment)
		}
	}
	return nil
}
