package promtext

import (
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// ParseSelector reads the matchers of {a="b", c=~"d"}, which PromQL and LogQL
// write alike.
func ParseSelector(text string) ([]*labels.Matcher, error) {
	return NewParser().ParseMetricSelector(text)
}

// RenameLabel gives a label of a selector another name. A selector that cannot
// be read stays as it is.
func RenameLabel(selector, name, alias string) string {
	matchers, err := ParseSelector(selector)
	if err != nil {
		return selector
	}
	parts := make([]string, len(matchers))
	for i, m := range matchers {
		if m.Name == name {
			m = labels.MustNewMatcher(m.Type, alias, m.Value)
		}
		parts[i] = m.String()
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
