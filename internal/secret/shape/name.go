package shape

import "strings"

// A reading says what a value is by the name in front of it, and with that how
// much a value must look like a secret to be taken for one.
type reading int

const (
	harmless  reading = iota
	hard              // a password: any value that is not plainly something else
	soft              // a token or a key: the same, where it is written like a value
	weak              // a word with other uses: only a long random value
	digits            // a number that is secret by its name: a card's, its check digits
	httpAuth          // the scheme stays, what follows is secret
	cookies           // name=value pairs
	setCookie         // one pair, then attributes
	nameOf            // the value is a name: that of the secret which stands beside it
	valueOf           // the value of the name before it
)

// ending is how names end that say: what follows is a secret. Names are
// compared in lower case and without separators, so dbPassword, DB_PASSWORD and
// db.password are the same.
type ending struct {
	text    string
	reading reading
	kind    Kind
	// apart: the word must stand by itself. "bypass" is no pass.
	apart bool
}

var endings = func() *[26 * 26][]ending {
	var table [26 * 26][]ending
	add := func(r reading, kind Kind, apart bool, words ...string) {
		for _, w := range words {
			last := lastPair(w)
			table[last] = append(table[last], ending{w, r, kind, apart})
		}
	}
	// Names that end like those of secrets and are none come first.
	add(harmless, "", false, "nexttoken", "pagetoken", "continuationtoken", "resumetoken", "synctoken", "cancellationtoken",
		"unexpectedtoken", "oldpwd", "publickey", "bypass", "nopassword", "nopass", "askpassword", "askpass", "maxtoken", "mintoken", "statetoken", "publicapikey")
	add(hard, Password, false, "password", "passwd", "passphrase", "passcode", "passwort", "kennwort", "senha", "contrasena", "motdepasse",
		"pwd", "requirepass", "masterauth", "primaryauth", "authpass", "userpass", "dbpass", "pgpass", "rootpass", "smtppass", "storepass", "keypass", "bindpw", "rootpw", "passin", "passout")
	add(hard, Password, true, "pass", "pw")
	add(soft, Token, false, "token", "secret", "apikey", "accesskey", "secretkey", "privatekey", "signingkey", "signkey", "encryptionkey",
		"encryptkey", "masterkey", "accountkey", "sharedkey", "authkey", "fernetkey", "hmackey", "storagekey", "licensekey",
		"servicekey", "webhookkey", "integrationkey", "ingestkey", "deploykey", "clientkey", "sessionkey", "symmetrickey", "adminkey",
		"applicationkey", "consumerkey", "subscriptionkey", "functionskey", "connectionkey", "tlskey", "clientkeydata", "dockerconfigjson")
	add(soft, Token, true, "appkey", "secretid", "secretstring", "secretbinary")
	add(weak, Token, true, "credential", "credentials", "auth", "creds")
	add(weak, Token, true, "routingkey", "jwt")
	add(weak, Session, true, "session", "sid", "sig", "signature", "sign", "code")
	add(weak, Session, false, "sessionid", "sessid")
	add(digits, Card, true, "cvv", "cvc", "pan", "securitycode")
	add(digits, Card, false, "cardnumber", "cardno", "ccnumber", "creditcard")
	add(digits, SSN, true, "ssn")
	add(digits, SSN, false, "socialsecuritynumber")
	add(digits, Token, true, "otp", "totp", "pin", "pincode", "otpcode")
	add(httpAuth, Authorization, false, "authorization")
	add(setCookie, Cookie, false, "setcookie")
	add(cookies, Cookie, true, "cookie", "cookies")
	add(nameOf, "", true, "name", "key", "parameter", "variable", "parameterkey", "envvar", "param", "option", "header")
	add(valueOf, "", true, "value", "setting", "parametervalue")
	return &table
}()

// lastPair is where the table of endings holds what a text ends in.
func lastPair(text string) int {
	n := len(text)
	return int(text[n-2]-'a')*26 + int(text[n-1]-'a')
}

// qualifiers may stand behind such a name without making it something else: the
// hash of a password can be tried out, a token in base64 is the token.
var qualifiers = func() *[26 * 26][]string {
	var table [26 * 26][]string
	for _, w := range strings.Fields("confirmation confirm hash digest value plaintext plain text string raw base new old current repeat again") {
		table[lastPair(w)] = append(table[lastPair(w)], w)
	}
	return &table
}()

// lastPairs are the ends of all these words: what is asked of each word of a text.
var lastPairs = func() *pairs {
	var p pairs
	for last := range endings {
		if len(endings[last])+len(qualifiers[last]) > 0 {
			p.add(byte('a'+last/26), byte('a'+last%26))
		}
	}
	for _, w := range verbs {
		p.add(w[len(w)-2], w[len(w)-1])
	}
	return &p
}()

// ends reports whether a word may be the end of a name that some rule waits
// for. A number behind it, as in password2, does not count.
func ends(word string) bool {
	n := len(word)
	for n > 0 && (digit(word[n-1]) || word[n-1] == '_') {
		n--
	}
	return n >= 2 && lastPairs.has(lowered(word[n-2]), lowered(word[n-1]))
}

// longestName is how far back a name is read, in bytes.
const longestName = 80

// name is one that was read from a text: lower case, without separators.
type name struct {
	text [longestName]byte
	cut  [longestName]bool // a new word begins here
	n    int
}

// readName brings a name into the form in which names are compared.
func readName(raw string) (w name) {
	if len(raw) > longestName {
		raw = raw[len(raw)-longestName:]
	}
	cut := true
	for i := 0; i < len(raw); i++ {
		b := raw[i]
		if !alnum(b) {
			cut = true
			continue
		}
		hump := upper(b) && i > 0 && (lower(raw[i-1]) || digit(raw[i-1]) || i+1 < len(raw) && lower(raw[i+1]))
		w.text[w.n], w.cut[w.n] = lowered(b), cut || hump
		w.n++
		cut = false
	}
	for w.n > 0 && digit(w.text[w.n-1]) {
		w.n--
	}
	return w
}

// last is where the tables hold what the name ends in, or -1.
func (w *name) last() int {
	if w.n < 2 || !lower(w.text[w.n-2]) || !lower(w.text[w.n-1]) {
		return -1
	}
	return int(w.text[w.n-2]-'a')*26 + int(w.text[w.n-1]-'a')
}

func (w *name) endsIn(text string, apart bool) bool {
	at := w.n - len(text)
	return at >= 0 && string(w.text[at:w.n]) == text && (!apart || w.cut[at])
}

// reading says what a value under this name is.
func (w *name) reading() (reading, Kind) {
	if r, kind, ok := w.look(); ok {
		return r, kind
	}
	last := w.last()
	if last < 0 {
		return harmless, ""
	}
	for _, q := range qualifiers[last] {
		if w.endsIn(q, true) || w.n > len(q) && w.endsIn(q, false) {
			rest := *w
			rest.n -= len(q)
			if r, kind, ok := rest.look(); ok && (r == hard || r == soft) {
				return r, kind
			}
		}
	}
	return harmless, ""
}

func (w *name) look() (reading, Kind, bool) {
	last := w.last()
	if last < 0 {
		return harmless, "", false
	}
	for _, e := range endings[last] {
		if w.endsIn(e.text, e.apart) {
			return e.reading, e.kind, true
		}
	}
	return harmless, "", false
}
