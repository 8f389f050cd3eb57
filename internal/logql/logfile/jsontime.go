package logfile

import "bytes"

// isTimeKey knows the names under which loggers write the time. Of a dotted
// name, as ECS flattens them, the last part counts.
func isTimeKey(key []byte) bool {
	if i := bytes.LastIndexByte(key, '.'); i >= 0 {
		key = key[i+1:]
	}
	var room [16]byte
	if len(key) > len(room) {
		return false
	}
	lower := room[:0]
	for _, c := range key {
		if isUpper(c) {
			c |= 0x20
		}
		lower = append(lower, c)
	}
	switch string(lower) {
	case "timestamp", "time", "ts", "@timestamp", "asctime", "datetime", "date", "t", "eventtime", "event_time", "@t",
		"date_time", "time_iso8601", "time_local", "timemillis", "logtime", "log_time", "log_timestamp", "timecreated",
		"systemtime", "_time", "_timestamp", "$date", "timeutc", "local_time", "@time":
		return true
	}
	return false
}

// json finds the time of a JSON object: the first of its own fields that has
// the name and the form of one, else the first of the objects in it.
func (c clock) json(line []byte) (int64, bool) { return c.object(line, 1) }

func (c clock) object(line []byte, deeper int) (found int64, ok bool) {
	var inner [][]byte
	eachField(line, func(key, raw []byte) bool {
		switch {
		case raw[0] == '{':
			if deeper > 0 && len(inner) < maxInner {
				inner = append(inner, raw)
			}
		case raw[0] != '[' && isTimeKey(key):
			found, ok = c.value(raw)
		}
		return !ok
	})
	for i := 0; i < len(inner) && !ok; i++ {
		found, ok = c.object(inner[i], deeper-1)
		if !ok {
			found, ok = instantOf(inner[i])
		}
	}
	return found, ok
}

// maxInner bounds how many objects inside of a line are looked into.
const maxInner = 16

// instantOf reads {"epochSecond":1,"nanoOfSecond":2}, of Log4j's JSON layout.
func instantOf(object []byte) (int64, bool) {
	var seconds, nanos int
	var ok bool
	eachField(object, func(key, raw []byte) bool {
		switch string(key) {
		case "epochSecond":
			seconds, ok = digits(raw)
		case "nanoOfSecond":
			nanos, _ = digits(raw)
		}
		return true
	})
	if !ok || seconds < oldest || seconds > latest || nanos < 0 || nanos >= 1e9 {
		return 0, false
	}
	return int64(seconds)*1e9 + int64(nanos), true
}

// value reads the time of a field, a string or a number.
func (c clock) value(raw []byte) (int64, bool) {
	s := text(nil, raw)
	if len(s) > maxStamp {
		return 0, false
	}
	if t, _, ok := c.stamp(s); ok {
		return t, true
	}
	return epoch(string(s))
}

// maxStamp is longer than any time that is a field of its own, in bytes.
const maxStamp = 64
