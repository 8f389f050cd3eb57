// Package approval is a person's signed word that one exact change may be made:
// this step, on this target, found on this evidence, under this policy, once,
// and until then. It checks such words at the moment of acting and says of each
// that does not count why. It is pure: time, keys and history come in as values.
package approval

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Envelope is one approval. All fields but Signature are signed.
type Envelope struct {
	Plan string `json:"plan"` // "INC-7.1"
	Step string `json:"step"` // "INC-7.1.2"
	// StepDigest names the exact step as it was shown: change, arguments,
	// preview, risk, verification.
	StepDigest string    `json:"step_digest"`
	Target     string    `json:"target"`             // identity of the target: Preview.Identity
	Evidence   string    `json:"evidence,omitempty"` // digest of the evidence that the plan rests on
	Decision   string    `json:"decision"`           // digest of what policy asked for
	Approver   string    `json:"approver"`
	Requester  string    `json:"requester"` // who made the plan
	At         time.Time `json:"at"`
	Expires    time.Time `json:"expires"` // it does not hold from then on
	// Key names the one carrying-out that is approved; once that was begun the
	// approval is used up.
	Key       string `json:"key"`
	PublicKey string `json:"public_key"` // as FormatKey writes it
	Signature string `json:"signature"`  // base64
}

var properPerson = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{0,63}$`)

// Person is the name of a person in its one form: in small letters, so that
// Alice and alice are not two people. What could be no name of a person, or
// would be a path as the name of a file, is refused.
func Person(text string) (string, error) {
	name := strings.ToLower(strings.TrimSpace(text))
	if !properPerson.MatchString(name) || strings.Contains(name, "..") {
		return "", fmt.Errorf("%q is no name of a person: use letters, digits, dot, dash, plus, underscore and @, at most 64", text)
	}
	return name, nil
}
