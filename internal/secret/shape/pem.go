package shape

import "strings"

// longestKey is how far the end of a private key is looked for, in bytes.
const longestKey = 32 << 10

// pem takes the body of a private key. Its first and last line stay, so that
// one sees what stood there. Certificates and public keys are left alone.
func (s *scanner) pem(at int) bool {
	t := s.text
	const begin = "-----BEGIN "
	if !prefixed(t, at, begin) {
		return false
	}
	label := t[at+len(begin) : min(len(t), at+len(begin)+64)]
	dashes := strings.Index(label, "-----")
	if dashes < 0 || !strings.Contains(label[:dashes], "PRIVATE KEY") {
		return false
	}
	from := at + len(begin) + dashes + len("-----")
	rest := t[from:min(len(t), from+longestKey)]
	end := strings.Index(rest, "-----")
	if end < 0 || !prefixed(rest, end, "-----END ") || strings.IndexByte(rest[:end], '"') >= 0 {
		end = keyBody(rest)
	}
	s.at = from
	if isMask(strings.TrimSpace(rest[:end])) {
		return true
	}
	return s.add(Span{From: from, To: from + end, Kind: PrivateKey})
}

// keyBody is how much of a text can be the body of a key whose last line is
// missing: base64, with line ends written as such or as \n.
func keyBody(text string) int {
	end := 0
	for at := 0; at < len(text); {
		switch b := text[at]; {
		case base64Byte(b):
			line := run(text, at, len(text), base64Byte)
			if space(byteAt(text, line)) || byteAt(text, line) == ':' {
				return end // words, not a key
			}
			at, end = line, line
		case b == '\\' && strings.IndexByte("nr", byteAt(text, at+max(1, escapeLen(text[at:]))-1)) >= 0:
			at += escapeLen(text[at:])
		case b == '\n' || b == '\r' || space(b):
			at++
		default:
			return end
		}
	}
	return end
}
