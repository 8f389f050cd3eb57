package postgres

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// Types of the server that become numbers, booleans, lists or objects; all
// others stay the text that psql would show. The numbers are fixed by the
// server's own catalog (pg_type.dat).
const (
	oidBool, oidInt8, oidInt2, oidInt4, oidOID = 16, 20, 21, 23, 26
	oidXID, oidCID, oidXID8                    = 28, 29, 5069
	oidFloat4, oidFloat8, oidNumeric           = 700, 701, 1700
	oidJSON, oidJSONB                          = 114, 3802
	oidDate, oidTimestamp, oidTimestampTZ      = 1082, 1114, 1184
	oidInterval                                = 1186
)

// arrays maps array types to the type of their elements.
var arrays = map[uint32]uint32{
	1000: oidBool, 1016: oidInt8, 1005: oidInt2, 1007: oidInt4, 1028: oidOID, 1011: oidXID,
	1021: oidFloat4, 1022: oidFloat8, 1231: oidNumeric,
	199: oidJSON, 3807: oidJSONB, 1182: oidDate, 1115: oidTimestamp, 1185: oidTimestampTZ, 1187: oidInterval,
	1002: 0, 1003: 0, 1009: 0, 1014: 0, 1015: 0, 2201: 0, 2205: 0, 2206: 0, 2211: 0, 2951: 0, 1041: 0, 651: 0,
}

// decode turns the text form of a value into plain data: integers as int64,
// floats and numerics as float64 (integers beyond int64 too), times as seconds
// since 1970, intervals as seconds (a month is 30 days, as the server counts
// it), json as what it holds. NaN and infinities become nil: they are no data.
// raw is nil for NULL.
func decode(oid uint32, raw []byte) any {
	if raw == nil {
		return nil
	}
	text := string(raw)
	if element, ok := arrays[oid]; ok {
		if v, ok := decodeArray(element, text); ok {
			return v
		}
		return text
	}
	switch oid {
	case oidBool:
		return text == "t"
	case oidInt2, oidInt4, oidInt8, oidOID, oidXID, oidCID, oidXID8:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
		return finite(text)
	case oidFloat4, oidFloat8:
		return finite(text)
	case oidNumeric:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
		return finite(text)
	case oidJSON, oidJSONB:
		return decodeJSON(text)
	case oidDate:
		return seconds(text, "2006-01-02")
	case oidTimestamp:
		return seconds(text, "2006-01-02 15:04:05.999999999")
	case oidTimestampTZ:
		return seconds(text, "2006-01-02 15:04:05.999999999-07")
	case oidInterval:
		if s, ok := intervalSeconds(text); ok {
			return s
		}
		return text
	}
	return text
}

func finite(text string) any {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return f
}

// seconds is a time as seconds since 1970; "infinity" and years that the
// layout cannot hold are nil.
func seconds(text, layout string) any {
	t, err := time.Parse(layout, text)
	if err != nil && layout == "2006-01-02 15:04:05.999999999-07" {
		t, err = time.Parse("2006-01-02 15:04:05.999999999-07:00", text)
	}
	if err != nil {
		return nil
	}
	return float64(t.UnixMicro()) / 1e6
}

// intervalSeconds reads the server's "postgres" style: 1 year 2 mons -3 days 04:05:06.7.
func intervalSeconds(text string) (float64, bool) {
	units := map[string]float64{
		"year": 365.25 * 86400, "years": 365.25 * 86400, "mon": 30 * 86400, "mons": 30 * 86400, "day": 86400, "days": 86400,
	}
	total, fields := 0.0, strings.Fields(text)
	for i := 0; i < len(fields); i++ {
		if strings.Contains(fields[i], ":") {
			s, ok := clockSeconds(fields[i])
			if !ok {
				return 0, false
			}
			total += s
			continue
		}
		n, err := strconv.ParseFloat(fields[i], 64)
		if err != nil || i+1 >= len(fields) {
			return 0, false
		}
		unit, ok := units[fields[i+1]]
		if !ok {
			return 0, false
		}
		total += n * unit
		i++
	}
	return total, len(fields) > 0
}

func clockSeconds(text string) (float64, bool) {
	sign := 1.0
	if strings.HasPrefix(text, "-") {
		sign, text = -1, text[1:]
	}
	parts := strings.Split(strings.TrimPrefix(text, "+"), ":")
	if len(parts) != 3 {
		return 0, false
	}
	total := 0.0
	for _, p := range parts {
		n, err := strconv.ParseFloat(p, 64)
		if err != nil {
			return 0, false
		}
		total = total*60 + n
	}
	return sign * total, true
}

func decodeJSON(text string) any {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return text
	}
	return plain(v)
}

// plain replaces json.Number by int64 or float64, all the way down.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		return finite(v.String())
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	}
	return v
}

// decodeArray reads the server's array text: {a,"b c",NULL,{1,2}}, with an
// optional [1:2]= before it.
func decodeArray(element uint32, text string) ([]any, bool) {
	if strings.HasPrefix(text, "[") {
		if i := strings.IndexByte(text, '='); i > 0 {
			text = text[i+1:]
		}
	}
	p := arrayReader{text: text, element: element}
	v, ok := p.list(0)
	return v, ok && p.at == len(text)
}

type arrayReader struct {
	text    string
	at      int
	element uint32
}

// deepest is more than the server's own limit of six dimensions.
const deepest = 8

func (p *arrayReader) list(depth int) ([]any, bool) {
	if p.at >= len(p.text) || p.text[p.at] != '{' || depth > deepest {
		return nil, false
	}
	p.at++
	out := []any{}
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case '}':
			p.at++
			return out, true
		case ',':
			p.at++
		case '{':
			inner, ok := p.list(depth + 1)
			if !ok {
				return nil, false
			}
			out = append(out, inner)
		default:
			out = append(out, p.item())
		}
	}
	return nil, false
}

func (p *arrayReader) item() any {
	if p.text[p.at] == '"' {
		p.at++
		var b strings.Builder
		for p.at < len(p.text) && p.text[p.at] != '"' {
			if p.text[p.at] == '\\' && p.at+1 < len(p.text) {
				p.at++
			}
			b.WriteByte(p.text[p.at])
			p.at++
		}
		p.at++
		return decode(p.element, []byte(b.String()))
	}
	start := p.at
	for p.at < len(p.text) && p.text[p.at] != ',' && p.text[p.at] != '}' {
		p.at++
	}
	if word := p.text[start:p.at]; word != "NULL" {
		return decode(p.element, []byte(word))
	}
	return nil
}
