package approval

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"
)

// keyPrefix names the only kind of key that there is, so that another can be
// told apart one day.
const keyPrefix = "ed25519:"

// exact reads base64 in its one form: no two texts stand for the same bytes.
var exact = base64.StdEncoding.Strict()

// FormatKey writes a public key as quell.yaml has it: "ed25519:BASE64".
func FormatKey(key ed25519.PublicKey) string { return keyPrefix + exact.EncodeToString(key) }

// ParseKey reads what FormatKey writes.
func ParseKey(text string) (ed25519.PublicKey, error) {
	body, ok := strings.CutPrefix(text, keyPrefix)
	if !ok || strings.ContainsAny(body, "\r\n") {
		return nil, fmt.Errorf("%q is no public key: one begins with %s", text, keyPrefix)
	}
	data, err := exact.DecodeString(body)
	if err != nil || len(data) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%q is no public key: behind %s stand %d bytes in base64", text, keyPrefix, ed25519.PublicKeySize)
	}
	return data, nil
}
