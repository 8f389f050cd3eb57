package evidence

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"time"
)

// Plain turns v into the plain data that evidence is made of: nil, bool,
// int64, float64, string, []any, map[string]any. Numbers that are not finite
// become nil, times become seconds since 1970, durations seconds. Connectors
// should give plain data already; this is the guard behind them.
func Plain(v any) any {
	switch v := v.(type) {
	case nil, bool, int64, string:
		return v
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return v
	case []any:
		for i := range v {
			v[i] = Plain(v[i])
		}
		return v
	case map[string]any:
		for k := range v {
			v[k] = Plain(v[k])
		}
		return v
	case time.Time:
		return float64(v.UnixMicro()) / 1e6
	case time.Duration:
		return v.Seconds()
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return Plain(f)
	case fmt.Stringer:
		return v.String()
	}
	return plainByKind(reflect.ValueOf(v))
}

func plainByKind(r reflect.Value) any {
	switch r.Kind() {
	case reflect.Bool:
		return r.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return r.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if r.Uint() > math.MaxInt64 {
			return float64(r.Uint())
		}
		return int64(r.Uint())
	case reflect.Float32, reflect.Float64:
		return Plain(r.Float())
	case reflect.String:
		return r.String()
	case reflect.Slice, reflect.Array:
		out := make([]any, r.Len())
		for i := range out {
			out[i] = Plain(r.Index(i).Interface())
		}
		return out
	case reflect.Map:
		out := make(map[string]any, r.Len())
		for _, k := range r.MapKeys() {
			out[fmt.Sprint(k.Interface())] = Plain(r.MapIndex(k).Interface())
		}
		return out
	case reflect.Pointer:
		if r.IsNil() {
			return nil
		}
		return Plain(r.Elem().Interface())
	}
	return fmt.Sprint(r.Interface())
}
