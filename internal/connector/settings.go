package connector

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"
)

// Settings are the keys of one target, as quell.yaml has them, with env: and
// file: references already resolved.
type Settings map[string]any

// Decode fills into, a pointer to a struct with json tags, and refuses unknown
// keys by name. Secrets decode into secret.String, durations into Duration.
func (s Settings) Decode(into any) error {
	data, err := json.Marshal(map[string]any(s))
	if err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		text := strings.TrimPrefix(err.Error(), "json: ")
		if name, ok := strings.CutPrefix(text, "unknown field "); ok {
			return fmt.Errorf("unknown setting %s", name)
		}
		// The decoder's other errors name the type and the field, not the value.
		return fmt.Errorf("settings: %s", text)
	}
	return nil
}

// Keys lists the names that are set, sorted.
func (s Settings) Keys() []string {
	keys := make([]string, 0, len(s))
	for k := range s {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// Duration is a time.Duration written as text in settings: "5s", "1m30s".
type Duration struct{ time.Duration }

// UnmarshalJSON reads a duration written as text.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("a duration is written as text with a unit, like 5s")
	}
	v, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is not a duration: write a number with a unit, like 5s", text)
	}
	d.Duration = v
	return nil
}
