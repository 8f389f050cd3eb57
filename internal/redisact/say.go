package redisact

import (
	"fmt"
	"strings"

	"github.com/quellhq/quell/internal/action"
)

// Standing makes a Standing with a text as fmt.Sprintf makes it.
func Standing(state action.State, done *action.Done, format string, args ...any) action.Standing {
	return action.Standing{State: state, Done: done, Text: fmt.Sprintf(format, args...)}
}

// Few lists the first of many.
func Few(list []string, n int) string {
	if len(list) > n {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:n], ", "), len(list)-n)
	}
	return strings.Join(list, ", ")
}

// Count writes a number with its noun.
func Count[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
