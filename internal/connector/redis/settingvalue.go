package redis

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/redisapi"
)

// A kind of setting reads a value as people write it and gives it as CONFIG GET
// shows it, so that the two can be compared. was is the present value.
type kind func(value, was string) (string, error)

// brief keeps short what somebody wrote.
func brief(text string) string { return redisapi.Clip(text[:min(len(text), 40)]) }

var units = []struct {
	suffix string
	bytes  float64
}{{"kb", 1 << 10}, {"mb", 1 << 20}, {"gb", 1 << 30}, {"k", 1e3}, {"m", 1e6}, {"g", 1e9}, {"b", 1}, {"", 1}}

// memory reads an amount as redis.conf has it; a fraction of a byte, as
// arithmetic leaves it, is dropped.
func memory(value, _ string) (string, error) {
	lower := strings.ToLower(strings.TrimSpace(value))
	for _, u := range units {
		digits, ok := strings.CutSuffix(lower, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(digits, 64)
		if err != nil || !(n >= 0) || n*u.bytes >= math.MaxInt64 {
			break
		}
		return strconv.FormatInt(int64(n*u.bytes), 10), nil
	}
	return "", action.Refuse("write bytes, or 512mb, or 2gb", "%q is no amount of memory", brief(value))
}

func memoryOrShare(value, was string) (string, error) {
	if share, ok := strings.CutSuffix(strings.TrimSpace(value), "%"); ok {
		if n, err := strconv.Atoi(share); err == nil && n >= 0 && n <= 100 {
			return share + "%", nil
		}
	}
	return memory(value, was)
}

func integer(value, _ string) (string, error) {
	n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !(math.Abs(n) < 1e15) {
		return "", action.Refuse("", "%q is no number", brief(value))
	}
	return strconv.FormatInt(int64(math.Floor(n)), 10), nil
}

// upTo is a number from 1, bounded where the server is not: it makes room for
// all clients that it may have, and hangs over a number without sense.
func upTo(most int64) kind {
	return func(value, was string) (string, error) {
		text, err := integer(value, was)
		if n, _ := strconv.ParseInt(text, 10, 64); err == nil && (n < 1 || n > most) {
			err = action.Refuse("", "%s is not from 1 to %d", text, most)
		}
		return text, err
	}
}

// yesNo also takes true and false, which YAML makes of yes and no.
func yesNo(value, _ string) (string, error) {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "yes", "true", "on":
		return "yes", nil
	case "no", "false", "off":
		return "no", nil
	}
	return "", action.Refuse("", "%q is neither yes nor no", brief(value))
}

func oneOf(words ...string) kind {
	return func(value, _ string) (string, error) {
		lower := strings.ToLower(strings.TrimSpace(value))
		if slices.Contains(words, lower) {
			return lower, nil
		}
		return "", action.Refuse("it is one of "+strings.Join(words, ", "), "%q is not known here", brief(value))
	}
}

// saves reads "3600 1 300 100": pairs of seconds and changes. Empty is never.
func saves(value, _ string) (string, error) {
	words := strings.Fields(value)
	bad := len(words)%2 != 0
	for _, w := range words {
		n, err := strconv.Atoi(w)
		bad = bad || err != nil || n < 0
	}
	if bad {
		return "", action.Refuse("write pairs of seconds and changes: 3600 1 300 100", "%q is no schedule of snapshots", brief(value))
	}
	return strings.Join(words, " "), nil
}

// outputLimits reads "class hard soft seconds", once or several times. Classes
// that are not named keep what they have.
func outputLimits(value, was string) (string, error) {
	bad := action.Refuse("write class, hard limit, soft limit, seconds: normal 256mb 64mb 60", "%q is no limit of output buffers", brief(value))
	words, now := strings.Fields(value), strings.Fields(was)
	if len(words) == 0 || len(words)%4 != 0 {
		return "", bad
	}
	for ; len(words) > 0; words = words[4:] {
		class := strings.ToLower(words[0])
		if class == "replica" {
			class = "slave" // as CONFIG GET has it
		}
		at := slices.Index(now, class)
		if at < 0 || at+3 >= len(now) {
			return "", bad
		}
		for i, read := range []kind{memory, memory, integer} {
			text, err := read(words[1+i], "")
			if err != nil {
				return "", err
			}
			now[at+1+i] = text
		}
	}
	return strings.Join(now, " "), nil
}
