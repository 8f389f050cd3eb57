package expr

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// toPlain turns a CEL value into plain data.
func toPlain(v ref.Val) (any, error) {
	switch v := v.(type) {
	case types.Null:
		return nil, nil
	case types.Bool:
		return bool(v), nil
	case types.Int:
		return int64(v), nil
	case types.Uint:
		return int64(v), nil
	case types.Double:
		return float64(v), nil
	case types.String:
		return string(v), nil
	case types.Duration:
		return v.Duration, nil
	case types.Timestamp:
		return v.UTC().Format(time.RFC3339Nano), nil
	case traits.Mapper:
		out := map[string]any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			k := it.Next()
			value, err := toPlain(v.Get(k))
			if err != nil {
				return nil, err
			}
			out[fmt.Sprint(k.Value())] = value
		}
		return out, nil
	case traits.Lister:
		out := []any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			value, err := toPlain(it.Next())
			if err != nil {
				return nil, err
			}
			out = append(out, value)
		}
		return out, nil
	case *types.Err:
		return nil, v
	}
	return nil, fmt.Errorf("a value of type %s cannot be shown", v.Type().TypeName())
}

// FormatValue writes a value for a person: numbers without noise, durations as
// 5m, lists with commas, nothing as "nothing".
func FormatValue(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case int:
		return strconv.Itoa(v)
	case float64:
		return formatNumber(v)
	case time.Duration:
		return FormatDuration(v)
	case []any:
		items := make([]string, 0, len(v))
		for i, item := range v {
			if i == maxShown {
				items = append(items, fmt.Sprintf("and %d more", len(v)-maxShown))
				break
			}
			items = append(items, FormatValue(item))
		}
		return strings.Join(items, ", ")
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		items := make([]string, 0, len(keys))
		for _, k := range keys {
			items = append(items, k+" "+FormatValue(v[k]))
		}
		return strings.Join(items, ", ")
	}
	return fmt.Sprint(v)
}

// maxShown bounds how many items of a list stand in a sentence.
const maxShown = 5

// formatNumber keeps three significant digits below 1,000 and whole numbers above.
func formatNumber(f float64) string {
	abs := math.Abs(f)
	switch {
	case f == math.Trunc(f) && abs < 1e15:
		return strconv.FormatFloat(f, 'f', 0, 64)
	case abs >= 1000:
		return strconv.FormatFloat(f, 'f', 0, 64)
	case abs >= 100:
		return strconv.FormatFloat(f, 'f', 1, 64)
	case abs < 1e-3:
		return strconv.FormatFloat(roundTo(f, 2), 'f', -1, 64)
	}
	return strconv.FormatFloat(f, 'g', 3, 64)
}
