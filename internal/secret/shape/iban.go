package shape

import "strings"

// ibanLengths are those of the registry, by country.
var ibanLengths = func() map[string]int {
	lengths := map[string]int{}
	for _, entry := range strings.Fields(`AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28
		EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32
		LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24
		SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20`) {
		lengths[entry[:2]] = int(entry[2]-'0')*10 + int(entry[3]-'0')
	}
	return lengths
}()

// iban takes the number of a bank account, in one piece or in groups of four.
func (s *scanner) iban(from int) bool {
	t := s.text
	if len(t)-from < 15 || !upper(t[from+1]) || !digit(t[from+2]) || !digit(t[from+3]) {
		return false
	}
	length := ibanLengths[t[from:from+2]]
	if length == 0 {
		return false
	}
	var number [34]byte
	n, at := 0, from
	for at < len(t) && n < length {
		switch b := t[at]; {
		case upperDigit(b):
			number[n] = b
			n++
		case b == ' ' && n%4 == 0 && n > 0 && upperDigit(byteAt(t, at+1)):
		default:
			return false
		}
		at++
	}
	if n != length || wordByte(byteAt(t, at)) || !mod97(number[:n]) {
		return false
	}
	return s.add(Span{From: from, To: at, Kind: IBAN})
}

// mod97 reports whether the two check digits (the third and fourth) are right.
func mod97(number []byte) bool {
	rest := 0
	for i := range number {
		b := number[(i+4)%len(number)]
		if digit(b) {
			rest = (rest*10 + int(b-'0')) % 97
		} else {
			rest = (rest*100 + int(b-'A') + 10) % 97
		}
	}
	return rest == 1
}
