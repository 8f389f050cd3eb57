package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/quellhq/quell/internal/secret/shape"
)

// mask is what stands in the place of a secret: the placeholder, and where
// there is a key six hexadecimal digits that are the same for the same secret.
// They tell that two lines speak of one token, and nothing else: without the
// key nobody can try out which text gives them, and they are too few to name
// one of many. The rule that found the secret has no part in it, so that a
// token found by its shape here and by its name there is known again.
func (r *Redactor) mask(plain string) string {
	if r == nil || len(r.key) == 0 {
		return Placeholder
	}
	sum := hmac.New(sha256.New, r.key)
	sum.Write([]byte(plain))
	return Placeholder + hex.EncodeToString(sum.Sum(nil))[:shape.MaskDigits]
}

// masks are the places of masks in a text that went through here before; those
// in a row are one. What lies inside of them is no secret any more.
type masks [][2]int

func masksIn(text string) masks {
	var list masks
	for at := 0; ; {
		next := strings.Index(text[at:], Placeholder)
		if next < 0 {
			return list
		}
		from := at + next
		at = from + shape.Masked(text[from:])
		if n := len(list); n > 0 && list[n-1][1] == from {
			list[n-1][1] = at
		} else {
			list = append(list, [2]int{from, at})
		}
	}
}

// around widens a place so that it cuts no mask in two. Nothing is left where
// it lies inside of one.
func (m masks) around(from, to int) (wideFrom, wideTo int, left bool) {
	for _, mask := range m {
		if mask[0] <= from && to <= mask[1] {
			return 0, 0, false
		}
		if mask[0] < to && from < mask[1] {
			from, to = min(from, mask[0]), max(to, mask[1])
		}
	}
	return from, to, true
}
