package incident

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Digest names an event by everything that is written of it.
func (e Event) Digest() string {
	e.At = e.At.UTC().Truncate(time.Microsecond)
	return digest(e)
}

// Digest names a header by everything in it.
func (h Header) Digest() string {
	h.OpenedAt = h.OpenedAt.UTC().Truncate(time.Microsecond)
	if h.Services == nil {
		h.Services = []string{}
	}
	return digest(h)
}

// ValueDigest names a value that was set.
func ValueDigest(value string) string { return digest(value) }

// Sealed returns e with its hash, which takes in Prev and every other field.
func (e Entry) Sealed() Entry {
	e.At = e.At.UTC().Truncate(time.Microsecond)
	e.Hash = ""
	e.Hash = digest(e)
	return e
}

// digest is the SHA-256 of v's JSON. Data of an event is raw JSON, which
// encoding/json compacts; stores must give back the bytes that they were given.
func digest(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		// Only Data that is no JSON can do this, and it never gets this far.
		data = []byte(err.Error())
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
