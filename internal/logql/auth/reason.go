package auth

import (
	"regexp"
)

// Reason is why somebody was turned away.
type Reason string

// Reasons, from the ones that a line tells to the ones that are only a status.
const (
	Expired   Reason = "expired"   // the token is too old
	Signature Reason = "signature" // the token was signed with another key
	Early     Reason = "early"     // the token is not valid yet: a clock is wrong
	Token     Reason = "token"     // the token is bad, and the line does not say how
	Session   Reason = "session"   // the session is not there, or no longer
	Missing   Reason = "missing"   // no token, cookie or session came with the request
	Forgery   Reason = "forgery"   // the token against forged forms did not come back
	Password  Reason = "password"  // wrong name or password
	Key       Reason = "key"       // an API key is unknown or revoked
	Service   Reason = "service"   // what checks logins did not answer
	Login     Reason = "login"     // a login failed, and the line does not say why
	Other     Reason = "other"     // turned away, and nothing more is said
)

// Reasons lists them all.
var Reasons = []Reason{Expired, Signature, Early, Token, Session, Missing, Forgery, Password, Key, Service, Login, Other}

// told reports whether the line itself says why.
func (r Reason) told() bool { return r != "" && r != Other && r != Login }

// ofLogins reports whether a reason is one of an attempt to log in.
func (r Reason) ofLogins() bool { return r == Password || r == Login }

// elsewhere are lines about other things that sound alike: how the service
// itself logs in to a database, a broker, a mail server or a cloud, certificates,
// signatures of webhooks and of cloud calls, and cards that are charged.
var elsewhere = regexp.MustCompile(`password authentication failed for (user|role)|no pg_hba|wrongpass|noauth|noperm|access_refused|using password: (yes|no)|sasl|` +
	`webhook|x509|certificate|cert |signaturedoesnotmatch|gpg|package signature|code ?sign|database session|db session|` +
	`smtp|\b535[ -]|\bimap\b|\bscram\b|mongo|access denied for user|\b(aws|s3|gcs|botocore|amazonaws|googleapis|stripe|twilio|sendgrid)\b|pull access|image pull|` +
	`(payment|card|charge|transaction|pre)[ _-]?auth(ori[sz]ation)?\b|authori[sz]ation (hold|code|amount)|card (was |has been )?(declined|refused)|` +
	`unauthorized_client|expiredtoken(exception)? .*aws|idle.session timeout|session is in the prepared`)

// phrase is one way of saying a reason. Text is in lower case; what is between
// words may be a blank, a dash, an underline or nothing.
type phrase struct {
	reason Reason
	is     *regexp.Regexp
}

// phrases are tried in this order. "Signature has expired" speaks of time and
// not of a key, and "not logged in" is no login, so the order matters.
var phrases = []phrase{
	{Service, regexp.MustCompile(`(auth(entication|orization|n)?|identity|id|login|sso|oidc|oauth2?|ldap|saml|token|account|user|session)[ _-]?(service|server|provider|backend|api|endpoint|store|check)\b.{0,60}(unavailable|unreachable|not (available|reachable|respond)|tim(ed|e)[ -]?out|refused|down\b|failed|failure|error|answered 5|returned 5|http 5|50[0234])`)},
	{Service, regexp.MustCompile(`(unable|could not|cannot|can't|failed|failure|error|timed out|timeout) (to |while |when )?(reach|contact|connect(ing)?|fetch(ing)?|get(ting)?|load(ing)?|call(ing)?|verify(ing)? with|check(ing)?).{0,30}(auth|identity|jwks|signing keys|oidc|ldap|sso|introspect|session store)`)},
	{Service, regexp.MustCompile(`(introspection|jwks|openid.configuration|ldap bind)\b.{0,30}(fail|time|unavailable|refused|error)|jwkclientconnectionerror|authservice(unavailable|error|timeout|down)|auth_service_(unavailable|down|error|timeout)|authenticationserviceexception`)},
	{Early, regexp.MustCompile(`not yet valid|immature|issued in the future|used (before|too early)|too early|\bnbf\b|\biat\b.{0,30}future|before (it was )?issued`)},
	{Forgery, regexp.MustCompile(`(csrf|xsrf|forgery)`)},
	{Missing, regexp.MustCompile(`\b(no|missing|without|absent) (session |auth |login )?cookie|cookie (is )?(missing|absent|not (present|sent|set))`)},
	{Session, regexp.MustCompile(`(session|ticket)( id| key| cookie| [^ ]{6,80})?[ _-]?(has |was |is |does |could |data )?(not |no longer )?[ _-]?(be )?(found|missing|unknown|invalid|expired?|exist|timed out|lost|gone|valid|evicted)\b|(no|unknown|invalid|missing|expired) (such )?session|session_?(expired|not_?found|invalid|missing|lost|timeout)`)},
	{Expired, regexp.MustCompile(`(token|jwt|signature|cookie|credentials?|access|refresh|assertion|bearer|login)\W{1,3}.{0,40}expired|expired.{0,20}(token|jwt|signature|cookie|credential)|expired_?(signature|token)|token_?expired|credentials_?expired|signatureexpired|tokenexpired|\bexp\b.{0,20}(claim|past|passed|check)|reason\W{0,3}expired|past its expir`)},
	{Signature, regexp.MustCompile(`(invalid|bad|wrong|unexpected|unknown|unrecogni[sz]ed|mismatch\w*)[ _-]?(token |jwt |cookie |session )?[ _-]?(signature|signing[ _-]?key|hmac)|(signature|hmac).{0,40}(fail|invalid|mismatch|\bbad\b|not match|not valid|could not be verified|wrong|differs)|\bkid\b.{0,40}(unknown|not found|no match|invalid|unable)|(unknown|unmatched|no matching|unable to find a).{0,20}(kid\b|key id|signing key)|no (matching |suitable )?(signing |public |verification )?key.{0,20}(found|for|kid)|(failed|unable) to verify .{0,20}(signature|jws|jwt)|signed with (another|a different|an unknown) key`)},
	{Key, regexp.MustCompile(`(invalid|unknown|revoked|wrong|disabled|inactive|expired) api[ _-]?key|api[ _-]?key.{0,20}(invalid|unknown|revoked|not found|not valid|disabled|inactive|rejected|expired)`)},
	{Missing, regexp.MustCompile(`\b(no|missing|absent|without|empty)\b.{0,20}(authorization|auth header|auth token|access token|token|bearer|credentials|session|cookie)|not (authenticated|logged[ -]?in|signed[ -]?in)|(authentication|login|auth) (is )?required|(authorization|cookie|token|header|credentials|bearer).{0,20}(missing|absent|not (provided|present|sent|set|supplied|found)|were not provided|was not provided)|not_?authenticated|missing_?token|anonymous (user|request)`)},
	{Token, regexp.MustCompile(`(invalid|bad|malformed|unknown|rejected|revoked|unusable)[ _-]?(access|auth|bearer|refresh|id|authentication)?[ _-]?(token|jwt)|(token|jwt)\b.{0,30}(invalid|malformed|rejected|revoked|could not be (decoded|validated|verified)|not valid|verification failed|validation failed)|could not (validate|decode|verify).{0,20}(credentials|token|jwt)|not enough segments|blacklist|token decode`)},
	{Password, regexp.MustCompile(`(invalid|incorrect|wrong|bad|unknown|no such|unmatched)[ _-]?(user(name|id| name)?|e-?mail|login|account|password|credentials?|pin|passphrase)s?\b|(password|credential|passphrase|pin)s?[ _-]?(is |are |was |were |did |do |does |has )?(invalid|incorrect|wrong|bad|mismatch|not match|not valid|rejected)|failed password|user[ _]?(name)?[ _]?(does )?not[ _]?(found|exist|known)|account (is |has been |temporarily )?(locked|disabled|suspended)|too many (failed )?(login|sign.?in|password|authentication)|authentication failure;|one-?time (code|password).{0,20}(wrong|invalid|failed|incorrect)|(2fa|mfa|otp|totp)\b.{0,20}(fail|wrong|invalid|incorrect)|bad_?password|login incorrect`)},
	{Login, regexp.MustCompile(`fail(ed|ure)[ _-]?(user |admin |web |ssh )?(login|log[ -]?in|sign[ -]?in|logon)|(login|log[ -]?in|sign[ -]?in|logon)[ _-]?(attempt |request |of |for |by )?(\S{0,64} )?(has |was )?(fail(ed|ure)?|denied|rejected|refused|unsuccessful|error|blocked)|loginfail|invalid login`)},
	{Other, regexp.MustCompile(`(authentication|authorization|authorisation|auth|access)[ _-]?(attempt |check )?(has |was )?(fail(ed|ure)?|rejected|denied|error|refused)|failed to authenticate|un-?authori[sz]ed|authn?_fail|\b(status|status[ _]code|code|http|error|response|returned|answered|got)\W{1,4}401\b|\b401 (client error|unauthori[sz]ed|error)`)},
}

var accepted = regexp.MustCompile(`(login|log[ -]?in|sign[ -]?in|logon|authentication|auth)[ _-]?(attempt |request |of |for |by )?(\S{0,64} )?(was |is )?(ok\b|okay|succe\w+|accepted|granted|complete[d]?\b)|succe\w+[ _-](user |web )?(login|log(ged)?[ -]?in|sign(ed)?[ -]?in|logon|authenticat\w+)|\b(user )?(\S{0,64} )?(has |is )?(logged|signed)[ -_]?in\b|user authenticated|accepted (password|publickey|keyboard)|(access |refresh )?token (was )?(issued|created|granted) (to|for)|session (was )?(created|started|opened|established) (for|by)|issued (access |new )?(token|session)`)

// mentions are what every line of interest has one of.
var mentions = [][]byte{
	[]byte("auth"), []byte("login"), []byte("log in"), []byte("log-in"), []byte("log_in"), []byte("logon"), []byte("logged"),
	[]byte("signin"), []byte("sign in"), []byte("sign-in"), []byte("sign_in"), []byte("signed"), []byte("signat"), []byte("signing"), []byte("token"), []byte("jwt"), []byte("jwk"), []byte("session"), []byte("kid"),
	[]byte("credential"), []byte("password"), []byte("401"), []byte("cookie"), []byte("csrf"), []byte("xsrf"), []byte("ldap"), []byte("api key"), []byte("api_key"),
	[]byte("otp"), []byte("identity"), []byte("oidc"), []byte("user not found"), []byte("account"), []byte("not yet valid"), []byte("expired"),
}
