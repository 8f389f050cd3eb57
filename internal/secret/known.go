package secret

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"sort"
	"strings"

	"github.com/quellhq/quell/internal/secret/shape"
)

// shortest is the length under which a known secret is not searched for by
// text: replacing every "a" would destroy the evidence and reveal the secret.
const shortest = 4

// shortestCoded is the same for the secret in base64: of a shorter one, the
// text in base64 may be part of another's by chance.
const shortestCoded = 8

// needle is a known secret in one of the forms in which it is written.
type needle struct{ text, plain string }

// needles are the forms of all secrets, the longest first, so that a secret
// that begins like another is not left half.
func needles(known []String) []needle {
	var list []needle
	for _, k := range known {
		if len(k.text) < shortest || strings.Contains(k.text, Placeholder) {
			continue
		}
		seen := map[string]bool{}
		for _, form := range forms(k.text) {
			if !seen[form] {
				seen[form] = true
				list = append(list, needle{form, k.text})
			}
		}
	}
	sort.SliceStable(list, func(a, b int) bool { return len(list[a].text) > len(list[b].text) })
	return list
}

// forms are the ways in which a secret is written: plainly, in a URL, in JSON,
// in base64 as Kubernetes keeps it.
func forms(plain string) []string {
	list := []string{plain, url.QueryEscape(plain), url.PathEscape(plain)}
	if quoted, err := json.Marshal(plain); err == nil {
		list = append(list, string(quoted[1:len(quoted)-1]))
	}
	if len(plain) >= shortestCoded {
		list = append(list, base64.RawStdEncoding.EncodeToString([]byte(plain)))
	}
	return list
}

// places returns where a text holds the needle.
func (n needle) places(text string) []place {
	var list []place
	for at := 0; ; {
		next := strings.Index(text[at:], n.text)
		if next < 0 {
			return list
		}
		from := at + next
		at = from + len(n.text)
		list = append(list, place{shape.Span{From: from, To: at, Kind: Known}, n.plain})
	}
}
