package logfile

import (
	"bytes"
	"strconv"
)

// journal takes off `journalctl -o json`. The message is the line: a string, an
// array of bytes where it is no text, or an array of strings where a program
// sent several. An entry without one stays whole, so that it is seen.
func (u *unframer) journal(line []byte) bool {
	if !bytes.Contains(line, []byte(`"__REALTIME_TIMESTAMP"`)) {
		return false
	}
	var message, container, pid []byte
	var t int64
	severity := -1
	labels := [...]struct {
		name, label string
		raw         []byte
	}{{"_SYSTEMD_UNIT", "unit", nil}, {"SYSLOG_IDENTIFIER", "app", nil}, {"_HOSTNAME", "hostname", nil}}
	ok := eachField(line, func(key, raw []byte) bool {
		switch string(key) {
		case "__REALTIME_TIMESTAMP":
			if n, err := strconv.ParseInt(string(text(nil, raw)), 10, 64); err == nil && n > 0 && n < latest*1e6 {
				t = n * 1e3
			}
		case "MESSAGE":
			message = raw
		case "PRIORITY":
			if n, ok := digits(text(nil, raw)); ok {
				severity = n
			}
		case "CONTAINER_NAME":
			container = raw
		case "_PID":
			pid = raw
		default:
			for i := range labels {
				if string(key) == labels[i].name {
					labels[i].raw = raw
				}
			}
		}
		return true
	})
	if !ok || t == 0 {
		return false
	}
	for _, l := range labels {
		if isString(l.raw) {
			u.label(l.label, u.text(l.raw))
		}
	}
	if isString(container) {
		u.label("container", u.text(container))
	}
	u.lane = append(append(u.lane, 3), pid...)
	if inner, ok := u.message(message); ok {
		u.out.line = inner
		u.severity(severity, inner)
	}
	u.out.time = t
	return true
}

// message reads a field of the journal; false where it is null or missing.
func (u *unframer) message(raw []byte) ([]byte, bool) {
	if isString(raw) {
		return bytes.TrimRight(u.text(raw), "\r\n"), true
	}
	if len(raw) < 2 || raw[0] != '[' {
		return nil, false
	}
	start := len(u.room)
	texts := 0
	for i := 1; i < len(raw)-1; {
		i = skipBlank(raw, i)
		end := valueEnd(raw, i)
		if end <= i {
			break
		}
		if item := raw[i:end]; isString(item) {
			if texts++; texts > 1 {
				u.room = append(u.room, '\n')
			}
			u.room = unquote(u.room, item[1:len(item)-1])
		} else if n, ok := digits(item); ok && n < 256 {
			u.room = append(u.room, byte(n))
		}
		i = skipBlank(raw, end) + 1 // the comma
	}
	return u.room[start:len(u.room):len(u.room)], true
}

// event takes off an event of CloudWatch Logs, as `aws logs filter-log-events`
// and get-log-events give them.
func (u *unframer) event(line []byte) bool {
	var message, stream []byte
	var t int64
	marked := false
	ok := eachField(line, func(key, raw []byte) bool {
		switch string(key) {
		case "message":
			message = raw
		case "timestamp":
			t, _ = epoch(string(raw))
		case "logStreamName":
			stream = raw
		case "ingestionTime", "eventId":
			marked = true
		}
		return true
	})
	if !ok || !marked || t == 0 || !isString(message) {
		return false
	}
	u.out.line, u.out.time = bytes.TrimRight(u.text(message), "\r\n"), t
	if isString(stream) {
		u.label("log_stream", u.text(stream))
	}
	return true
}

// tail takes off the time and the stream's name of `aws logs tail`. A name is
// taken for one only where it cannot be a word of the message.
func (u *unframer) tail(line []byte) bool {
	if len(line) < 34 || line[10] != 'T' || line[19] != '.' {
		return false
	}
	t, n, ok := u.clock.iso(line)
	if !ok || n >= len(line) || line[n] != ' ' || !bytes.HasSuffix(line[:n], []byte("+00:00")) {
		return false
	}
	name, inner, found := bytes.Cut(line[n+1:], []byte(" "))
	if !found || bytes.IndexByte(name, '/') < 1 || bytes.ContainsAny(name, `"'(){}=`) || isURL(name) {
		return false
	}
	u.out.line, u.out.time = inner, t
	u.label("log_stream", name)
	return true
}

func isURL(b []byte) bool { return bytes.Contains(b, []byte("://")) }

// loki takes off `logcli -o jsonl`.
func (u *unframer) loki(line []byte) bool {
	var inner, labels []byte
	var t int64
	foreign := false
	ok := eachField(line, func(key, raw []byte) bool {
		switch string(key) {
		case "labels":
			labels = raw
		case "line":
			inner = raw
		case "timestamp":
			t, _ = u.clock.value(raw)
		default:
			foreign = true
		}
		return !foreign
	})
	if !ok || foreign || t == 0 || !isString(inner) || len(labels) == 0 || labels[0] != '{' {
		return false
	}
	eachField(labels, func(key, raw []byte) bool {
		if isString(raw) {
			u.label(labelName(key), u.text(raw))
		}
		return true
	})
	u.out.line, u.out.time = bytes.TrimRight(u.text(inner), "\r\n"), t
	return true
}
