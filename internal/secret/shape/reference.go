package shape

import "strings"

// Mask is how the place of a secret begins that was already taken away. It may
// be followed by MaskDigits hexadecimal digits.
const (
	Mask       = "•••"
	MaskDigits = 6
)

// Masked returns how long the mask at the beginning of text is, and 0 where
// there is none.
func Masked(text string) int {
	if !strings.HasPrefix(text, Mask) {
		return 0
	}
	end := run(text, len(Mask), MaskDigits, hexByte)
	if end != len(Mask)+MaskDigits {
		end = len(Mask)
	}
	return end
}

// isMask reports whether a text is one mask, or several in a row.
func isMask(text string) bool {
	for text != "" {
		n := Masked(text)
		if n == 0 {
			return false
		}
		text = text[n:]
	}
	return true
}

// stands are words that stand where a secret would and are none.
var stands = map[string]bool{
	"yes": true, "no": true, "true": true, "false": true, "none": true, "null": true, "nil": true, "undefined": true,
	"on": true, "off": true, "required": true, "optional": true, "missing": true, "invalid": true, "expired": true,
	"empty": true, "unset": true, "redacted": true, "hidden": true, "masked": true, "filtered": true,
	"…": true, "str": true, "string": true, "text": true, "bytes": true, "int": true, "varchar": true, "bool": true,
	"excluded": true,
}

// stores are how references to a secret that is kept elsewhere begin.
var stores = []string{
	"env:", "file:", "vault:", "op://", "ssm:", "arn:aws:", "ref+", "secret://", "awssm:", "!ref", "!vault", "!sub", "enc[",
	"/run/secrets/", "/var/run/secrets/", "/etc/", "/var/", "/home/", "/usr/", "/mnt/", "/secrets/", "/opt/", "/tmp/", "./", "~/", "c:\\",
	"projects/", "valuefrom", "os.environ", "os.getenv", "process.env", "system.getenv", "env.", "env[", "settings.",
}

// elsewhere reports whether what stands in the place of a secret only names it
// or says that there is none: a placeholder, a parameter of a statement, a
// variable, a path.
func elsewhere(v string) bool {
	if v == "" || isMask(v) || blotted(v) {
		return true
	}
	if len(v) <= 12 && stands[strings.ToLower(strings.TrimRight(v, "!?"))] {
		return true
	}
	for _, s := range stores {
		if prefixedFold(v, 0, s) {
			return true
		}
	}
	for _, end := range []string{".pem", ".key", ".crt", ".p12", ".pfx", ".jks", ".keystore"} {
		if strings.HasSuffix(v, end) {
			return true // a file
		}
	}
	return parameter(v)
}

// blotted reports whether somebody else has masked it: ****, xxxx, ....
func blotted(v string) bool {
	return count(v, func(b byte) bool { return strings.IndexByte("*xX.#-_", b) >= 0 }) == len(v) && (len(v) >= 3 || v[0] == '*' || v == "-" || v == "_")
}

// parameter reports whether a text is a place to put a value: $1, ${NAME},
// {{ .Values.x }}, %s, %(name)s, ?, :name, @name, <name>, [name], #{name}.
func parameter(v string) bool {
	last := v[len(v)-1]
	inner := ""
	if len(v) > 2 {
		inner = v[1 : len(v)-1]
	}
	switch v[0] {
	case '$':
		rest := v[1:]
		return rest != "" && (rest[0] == '{' || rest[0] == '(' || allDigits(rest) || all(rest, func(b byte) bool { return upper(b) || b == '_' || digit(b) }))
	case '{':
		return strings.HasPrefix(v, "{{") || last == '}' && all(strings.Trim(inner, "%$"), nameByte)
	case '%':
		return len(v) == 2 && alpha(last) || strings.HasPrefix(v, "%(") || len(v) > 2 && last == '%' && all(inner, nameByte)
	case '?':
		return len(v) == 1
	case ':', '@':
		return len(v) > 1 && all(v[1:], func(b byte) bool { return lower(b) || b == '_' || digit(b) }) && lower(v[1]) && count(v, digit) < 2
	case '<', '(':
		return (last == '>' || last == ')') && !strings.ContainsAny(inner, "<>")
	case '*', '&': // an alias or an anchor of YAML
		return strings.HasPrefix(v, "&lt;") || all(v[1:], nameByte) && count(v, digit) == 0
	case '[':
		return last == ']' && all(inner, func(b byte) bool { return alpha(b) || space(b) || b == '_' })
	case '#':
		return strings.HasPrefix(v, "#{")
	}
	return false
}

// random reports whether a text is long and mixed enough to have been drawn by
// lot: what a word with other uses (session, code, sig) needs to be believed.
func random(v string) bool {
	if len(v) < 16 || strings.ContainsAny(v, " \t") || dated(v) {
		return false
	}
	digits, uppers, lowers := count(v, digit), count(v, upper), count(v, lower)
	if digits == 0 || uppers+lowers == 0 {
		return false
	}
	if uppers > 0 && lowers > 0 {
		return digits >= 2
	}
	return digits >= 3 && changes(v) >= 4
}

// dated reports whether a text begins with a date.
func dated(v string) bool {
	return len(v) >= 10 && allDigits(v[:4]) && v[4] == '-' && allDigits(v[5:7]) && v[7] == '-'
}

// changes counts how often letters and digits take turns.
func changes(v string) (n int) {
	for i := 1; i < len(v); i++ {
		if digit(v[i-1]) && alpha(v[i]) || alpha(v[i-1]) && digit(v[i]) {
			n++
		}
	}
	return n
}
