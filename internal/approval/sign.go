package approval

import (
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrAltered is a signature that is not one of what it stands under.
var ErrAltered = errors.New("the signature does not fit: it was altered after it was signed")

// Sign returns e signed by the key of its approver, with PublicKey and
// Signature filled in and its times in UTC and whole microseconds. An envelope
// that leaves open what it approves is refused, by the name of what is missing.
func Sign(e Envelope, key crypto.Signer) (Envelope, error) {
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return Envelope{}, fmt.Errorf("sign an approval: the key is a %T, and only ed25519 keys are known", key.Public())
	}
	if err := e.complete(); err != nil {
		return Envelope{}, fmt.Errorf("sign an approval: %w", err)
	}
	e.At, e.Expires = e.At.UTC().Truncate(time.Microsecond), e.Expires.UTC().Truncate(time.Microsecond)
	e.PublicKey = FormatKey(public)
	signature, err := key.Sign(nil, e.canonical(), crypto.Hash(0))
	if err != nil {
		return Envelope{}, fmt.Errorf("sign an approval: %w", err)
	}
	e.Signature = exact.EncodeToString(signature)
	return e, nil
}

// Verify is whether e is whole and signed by the key that it carries. Whose key
// that is, it does not say: Check does.
func (e Envelope) Verify() error {
	if err := e.complete(); err != nil {
		return err
	}
	key, err := ParseKey(e.PublicKey)
	if err != nil {
		return err
	}
	signature, err := exact.DecodeString(e.Signature)
	if err != nil || strings.ContainsAny(e.Signature, "\r\n") || !ed25519.Verify(key, e.canonical(), signature) {
		return ErrAltered
	}
	return nil
}

// complete is whether nothing is missing.
func (e Envelope) complete() error {
	for _, f := range []struct{ name, value string }{
		{"plan", e.Plan}, {"step", e.Step}, {"step digest", e.StepDigest}, {"target", e.Target},
		{"decision", e.Decision}, {"approver", e.Approver}, {"requester", e.Requester}, {"key", e.Key},
	} {
		if f.value == "" {
			return fmt.Errorf("it does not say the %s", f.name)
		}
	}
	if name, err := Person(e.Approver); err != nil || name != e.Approver {
		return fmt.Errorf("%q is no name of a person in its proper form", e.Approver)
	}
	if !e.At.Before(e.Expires) {
		return errors.New("it expires before it was given")
	}
	return nil
}

// canonical is what is signed: every field with its length, in a fixed order,
// so that no two envelopes share their bytes. JSON would not do: it takes
// several texts for the same value.
func (e Envelope) canonical() []byte {
	b := []byte("quell approval 1\n")
	for _, field := range []string{
		e.Plan, e.Step, e.StepDigest, e.Target, e.Evidence, e.Decision, e.Approver, e.Requester,
		instant(e.At), instant(e.Expires), e.Key, e.PublicKey,
	} {
		b = strconv.AppendInt(b, int64(len(field)), 10)
		b = append(append(append(b, ':'), field...), ',')
	}
	return b
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
