package keyring

import (
	"crypto"
	"crypto/ed25519"
	"fmt"
	"io"

	"github.com/quellhq/quell/internal/secret"
)

// signer is a private key that signs and cannot be printed.
type signer struct{ key ed25519.PrivateKey }

func (s signer) Public() crypto.PublicKey { return s.key.Public() }

func (s signer) Sign(random io.Reader, message []byte, o crypto.SignerOpts) ([]byte, error) {
	return s.key.Sign(random, message, o)
}

// Format keeps the key out of every verb, %#v too.
func (signer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, secret.Placeholder) }

var (
	_ crypto.Signer = signer{}
	_ fmt.Formatter = signer{}
)
