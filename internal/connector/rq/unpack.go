package rq

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"io"
)

// mostTrace bounds what is unpacked of one: a few bytes may unpack to anything.
const mostTrace = 256 << 10

// unpack reads a text that was compressed by zlib, in base64 or not. It only
// unpacks: nothing of it is run or understood.
func unpack(text string) (string, bool) {
	data := []byte(text)
	if len(text) > 0 && text[0] != 0x78 { // the first byte of zlib's own format
		plain, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return text, true // RQ before 1.0 kept it as it is
		}
		data = plain
	}
	r, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return "", false
	}
	defer func() { _ = r.Close() }()
	out, err := io.ReadAll(io.LimitReader(r, mostTrace))
	if err != nil && len(out) == 0 {
		return "", false
	}
	return string(out), true
}
