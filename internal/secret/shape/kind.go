package shape

// A Kind names a sort of secret. Kinds are for people and for figures: two
// rules may find the same secret under different kinds.
type Kind string

// What can be found, beside the tokens of vendors, whose kinds stand in
// tokens.go. Card to Address are personal data.
const (
	Password      Kind = "password"      // by the name in front of it
	Token         Kind = "token"         // by the name in front of it: tokens, secrets, keys
	AddressSecret Kind = "url"           // the password in user:password@host
	Hook          Kind = "hook"          // the secret part of a chat hook's address
	Authorization Kind = "authorization" // credentials of HTTP
	Cookie        Kind = "cookie"        // values of cookies
	Session       Kind = "session"       // session ids
	JWT           Kind = "jwt"           // JSON web tokens
	PrivateKey    Kind = "private-key"   // PEM, OpenSSH, PGP
	Verifier      Kind = "verifier"      // hashes of passwords: bcrypt, argon2, SCRAM
	Email         Kind = "email"
	Card          Kind = "card"
	IBAN          Kind = "iban"
	Phone         Kind = "phone"
	SSN           Kind = "ssn"
	Address       Kind = "address" // public IP addresses; only where asked for
)

// Kinds lists every kind with what it stands for, in the order of the
// reference page.
func Kinds() [][2]string {
	list := [][2]string{
		{string(Password), "a value under a name like `password`, `PGPASSWORD`, `requirepass`, in `key=value`, JSON, YAML, XML, flags, SQL, Redis commands"},
		{string(Token), "a value under a name like `token`, `secret`, `api_key`, `AccountKey`"},
		{string(AddressSecret), "the password in `scheme://user:password@host`, `user:password@tcp(host)`, and a token in the place of the user"},
		{string(Hook), "the secret part of the address of a hook: Slack, Discord, Telegram, Teams and the like"},
		{string(Authorization), "what follows `Authorization:`, `Bearer`, `Basic`"},
		{string(Cookie), "values in `Cookie:` and `Set-Cookie:`; names and attributes stay"},
		{string(Session), "session ids and signatures of addresses, where they are long enough to be one"},
		{string(JWT), "JSON web tokens"},
		{string(PrivateKey), "the body of a PEM, OpenSSH or PGP private key, on many lines or on one"},
		{string(Verifier), "password hashes: bcrypt, argon2, crypt(3), SCRAM, Django, MySQL"},
	}
	seen := map[Kind]bool{JWT: true, Verifier: true}
	for _, t := range tokens {
		if !seen[t.kind] {
			seen[t.kind] = true
			list = append(list, [2]string{string(t.kind), t.about})
		}
	}
	return append(list,
		[2]string{string(Email), "e-mail addresses of people"},
		[2]string{string(Card), "numbers of payment cards (a known issuer, and the Luhn digit is right)"},
		[2]string{string(IBAN), "bank accounts (the length of the country, and mod 97 is right)"},
		[2]string{string(Phone), "phone numbers in international form"},
		[2]string{string(SSN), "social security numbers of the United States"},
		[2]string{string(Address), "public IP addresses: only with `kind:address`"},
	)
}
