package promapi

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/quellhq/quell/internal/evidence"
)

// Sample is [seconds, "value"], as the API writes one point.
type Sample evidence.Point

// UnmarshalJSON reads [seconds, "value"].
func (s *Sample) UnmarshalJSON(data []byte) error {
	var pair []json.RawMessage
	if err := json.Unmarshal(data, &pair); err != nil || len(pair) != 2 {
		return fmt.Errorf("a sample is not [time, value]")
	}
	if err := json.Unmarshal(pair[0], &s.T); err != nil {
		return fmt.Errorf("a sample without a time")
	}
	var text string
	if err := json.Unmarshal(pair[1], &text); err != nil {
		return fmt.Errorf("a sample without a value")
	}
	v, err := strconv.ParseFloat(text, 64) // knows NaN, +Inf, -Inf
	s.V = v
	return err
}

// Result is the data of a query: a type and what it holds.
type Result struct {
	Type   string          `json:"resultType"`
	Result json.RawMessage `json:"result"`
}

type stream struct {
	Metric map[string]string `json:"metric"`
	Value  *Sample           `json:"value"`
	Values []Sample          `json:"values"`
}

// Streams reads a vector, a matrix or a scalar. A text has no number in it and
// is an error.
func (r Result) Streams() ([]evidence.Stream, error) {
	switch r.Type {
	case "scalar":
		var s Sample
		if err := json.Unmarshal(r.Result, &s); err != nil {
			return nil, err
		}
		return []evidence.Stream{{Labels: map[string]string{}, Points: []evidence.Point{evidence.Point(s)}}}, nil
	case "vector", "matrix":
		var list []stream
		if err := json.Unmarshal(r.Result, &list); err != nil {
			return nil, err
		}
		out := make([]evidence.Stream, 0, len(list))
		for _, item := range list {
			s := evidence.Stream{Labels: item.Metric}
			if s.Labels == nil {
				s.Labels = map[string]string{}
			}
			if item.Value != nil {
				s.Points = append(s.Points, evidence.Point(*item.Value))
			}
			for _, v := range item.Values {
				s.Points = append(s.Points, evidence.Point(v))
			}
			if len(s.Points) > 0 {
				out = append(out, s)
			}
		}
		return out, nil
	}
	return nil, fmt.Errorf("the answer is of type %q, not numbers over time", r.Type)
}
