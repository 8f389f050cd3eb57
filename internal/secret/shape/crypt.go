package shape

// crypts are how hashes of passwords begin that crypt(3) and its heirs write.
var crypts = []string{"$2a$", "$2b$", "$2y$", "$2x$", "$argon2id$", "$argon2i$", "$argon2d$", "$1$", "$5$", "$6$", "$y$", "$7$", "$scrypt$", "$apr1$", "$pbkdf2"}

// verifier takes a hash of a password. People choose passwords that can be
// found by trying, so that the hash is as secret as they are.
func (s *scanner) verifier(at int) bool {
	t := s.text
	if wordByte(byteAt(t, at-1)) {
		return false
	}
	if t[at] == '*' { // MySQL's native hash
		end := run(t, at+1, 41, func(b byte) bool { return digit(b) || b-'A' < 6 })
		return end == at+41 && !alnum(byteAt(t, end)) && s.add(Span{From: at, To: end, Kind: Verifier})
	}
	for _, c := range crypts {
		if prefixed(t, at, c) {
			end := run(t, at, 1024, cryptByte)
			for end > at && (t[end-1] == '.' || t[end-1] == ',') {
				end--
			}
			return end-at >= 25 && s.add(Span{From: at, To: end, Kind: Verifier})
		}
	}
	return false
}

func cryptByte(b byte) bool {
	return base64Byte(b) || b == '$' || b == '.' || b == ',' || b == '-' || b == '_'
}
