package approval_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/quellhq/quell/internal/approval"
)

func TestAnEnvelopeComesBackFromTheRecord(t *testing.T) {
	t.Parallel()
	w := world()
	e := unsigned(w, "alice")
	e.At, e.Expires = e.At.In(time.FixedZone("x", 3600)).Add(1234567), e.Expires.Add(789)
	e = signed(t, e, "alice")
	data, err := json.Marshal(e)
	require.NoError(t, err)
	var back approval.Envelope
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, e, back)
	require.NoError(t, back.Verify())
	require.Equal(t, e, signed(t, unsignedAgain(e), "alice"), "signing is deterministic")
}

func unsignedAgain(e approval.Envelope) approval.Envelope {
	e.Signature, e.PublicKey = "", ""
	return e
}

func TestWhatIsNotSigned(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*approval.Envelope){
		"it does not say the plan":                           func(e *approval.Envelope) { e.Plan = "" },
		"it does not say the step digest":                    func(e *approval.Envelope) { e.StepDigest = "" },
		"it does not say the target":                         func(e *approval.Envelope) { e.Target = "" },
		"it does not say the decision":                       func(e *approval.Envelope) { e.Decision = "" },
		"it does not say the requester":                      func(e *approval.Envelope) { e.Requester = "" },
		"it does not say the key":                            func(e *approval.Envelope) { e.Key = "" },
		"it expires before it was given":                     func(e *approval.Envelope) { e.Expires = e.At },
		`"Alice" is no name of a person in its proper form`:  func(e *approval.Envelope) { e.Approver = "Alice" },
		`"../bob" is no name of a person in its proper form`: func(e *approval.Envelope) { e.Approver = "../bob" },
	} {
		e := unsigned(world(), "alice")
		change(&e)
		_, err := approval.Sign(e, key("alice"))
		require.EqualError(t, err, "sign an approval: "+want)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	_, err = approval.Sign(unsigned(world(), "alice"), other)
	require.ErrorContains(t, err, "only ed25519 keys are known")
}

func TestPersons(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"alice": "alice", " Alice ": "alice", "o.brien@example.com": "o.brien@example.com", "x": "x"} {
		name, err := approval.Person(text)
		require.NoError(t, err)
		require.Equal(t, want, name)
	}
	for _, text := range []string{"", ".", "..", "a..b", "../alice", "a/b", `a\b`, "-rf", ".hidden", "a b", "alice\n.", "älice", "a\x00b", strings.Repeat("a", 65)} {
		_, err := approval.Person(text)
		require.Error(t, err, "%q", text)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	text := approval.FormatKey(public("alice"))
	back, err := approval.ParseKey(text)
	require.NoError(t, err)
	require.Equal(t, public("alice"), back)
	for _, bad := range []string{"", "ed25519:", text[8:], text[:len(text)-1], text + "A", text + "\n", "rsa:" + text[8:], "ed25519:AAAA", text[:20] + "\n" + text[20:]} {
		_, err := approval.ParseKey(bad)
		require.Error(t, err, "%q", bad)
	}
}

// Whatever single bit of an envelope's JSON is turned: it does not parse any
// more, or it still says exactly the same, or it counts for nothing.
func TestNoBitCanBeTurned(t *testing.T) {
	t.Parallel()
	w := world()
	e := approved(t, w, "alice")
	data, err := json.Marshal(e)
	require.NoError(t, err)
	refused := 0
	for i := range data {
		for bit := range 8 {
			turned := append([]byte{}, data...)
			turned[i] ^= 1 << bit
			var other approval.Envelope
			if json.Unmarshal(turned, &other) != nil || other == e {
				continue
			}
			refused++
			v := approval.Check([]approval.Envelope{other}, w)
			require.Falsef(t, v.Enough, "byte %d, bit %d: %s", i, bit, turned)
			require.Empty(t, v.By)
		}
	}
	require.Greater(t, refused, len(data), "most turned bits make another envelope")
}

// fields lets any field be set to any text.
func fields(e *approval.Envelope) []*string {
	return []*string{&e.Plan, &e.Step, &e.StepDigest, &e.Target, &e.Evidence, &e.Decision, &e.Approver, &e.Requester, &e.Key, &e.PublicKey, &e.Signature}
}

// Whatever is moved between fields, written into one, or done to a time: what
// was not signed does not count, also where the world wants just that.
func TestNoFieldCanBeRewritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := world()
		e := approved(t, w, "alice")
		other := e
		n := rapid.IntRange(0, len(fields(&e))+1).Draw(t, "field")
		switch {
		case n < len(fields(&e)):
			field := fields(&other)[n]
			from := *fields(&e)[rapid.IntRange(0, len(fields(&e))-1).Draw(t, "from")]
			*field = rapid.OneOf(rapid.String(), rapid.Just(from), rapid.Just(*field+",")).Draw(t, "text")
		case n == len(fields(&e)):
			other.At = other.At.Add(time.Duration(rapid.Int64Range(-1e15, 1e15).Draw(t, "earlier")))
		default:
			other.Expires = other.Expires.Add(time.Duration(rapid.Int64Range(-1e15, 1e15).Draw(t, "later")))
		}
		if other == e {
			return
		}
		// The world wants what the forger wrote.
		w.Plan, w.Step, w.StepDigest, w.Target, w.Evidence, w.Key, w.Requester = other.Plan, other.Step, other.StepDigest, other.Target, other.Evidence, other.Key, other.Requester
		v := approval.Check([]approval.Envelope{other}, w)
		require.False(t, v.Enough)
		require.Equal(t, approval.Altered, v.Refusals[0].Reason, v.Refusals[0].Text)
	})
}

// What stands at the end of one field cannot be read as the beginning of the
// next.
func TestFieldsDoNotRunIntoEachOther(t *testing.T) {
	t.Parallel()
	e := approved(t, world(), "alice")
	for i := range len(fields(&e)) - 1 {
		moved := e
		from, to := fields(&moved)[i], fields(&moved)[i+1]
		text := *from
		*from, *to = text[:len(text)-1], text[len(text)-1:]+*to
		require.Error(t, moved.Verify(), "%+v", moved)
	}
}

func FuzzEnvelope(f *testing.F) {
	w := world()
	e := approved(f, w, "alice")
	data, err := json.Marshal(e)
	require.NoError(f, err)
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		var other approval.Envelope
		if json.Unmarshal(data, &other) != nil {
			return
		}
		other.At, other.Expires = other.At.UTC(), other.Expires.UTC() // the same instant may be written in any zone
		if other != e {
			require.False(t, approval.Check([]approval.Envelope{other}, w).Enough)
		}
	})
}
