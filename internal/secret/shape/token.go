package shape

import "strings"

// shaped tokens begin in a way that their vendor chose so that they can be
// found. The table says what follows the prefix.
type tokenShape struct {
	prefix   string
	of       func(byte) bool // what it is made of
	min, max int             // how long it is behind the prefix; max 0: as long as it goes
	kind     Kind
	about    string
}

func wordDash(b byte) bool   { return wordByte(b) || b == '-' }
func wordDotted(b byte) bool { return wordByte(b) || b == '-' || b == '.' }
func base64Byte(b byte) bool { return alnum(b) || b == '+' || b == '/' || b == '=' }
func base64URL(b byte) bool  { return alnum(b) || b == '-' || b == '_' || b == '=' }
func upperDigit(b byte) bool { return upper(b) || digit(b) }
func scramByte(b byte) bool  { return base64Byte(b) || b == '$' || b == ':' }

// tokens by vendor. Lengths are those that the vendors document or hand out; a
// shorter or longer run is something else. No whole token stands here.
var tokens = []tokenShape{
	{"AKIA", upperDigit, 16, 16, "aws", "AWS key ids, with the secret key where it follows, and session tokens"},
	{"ASIA", upperDigit, 16, 16, "aws", ""},
	{"IQoJb3JpZ2lu", base64Byte, 60, 0, "aws", ""},
	{"FwoGZXIvYXdz", base64Byte, 60, 0, "aws", ""},
	{"ghp_", alnum, 30, 0, "github", "GitHub tokens"},
	{"gho_", alnum, 30, 0, "github", ""},
	{"ghu_", alnum, 30, 0, "github", ""},
	{"ghs_", wordDotted, 30, 0, "github", ""},
	{"ghr_", alnum, 30, 0, "github", ""},
	{"github_pat_", wordByte, 30, 0, "github", ""},
	{"glpat-", wordDotted, 16, 0, "gitlab", "GitLab tokens"},
	{"glrt-", wordDotted, 16, 0, "gitlab", ""},
	{"gldt-", wordDash, 16, 0, "gitlab", ""},
	{"glptt-", wordDash, 16, 0, "gitlab", ""},
	{"glcbt-", wordDash, 16, 0, "gitlab", ""},
	{"glsoat-", wordDash, 16, 0, "gitlab", ""},
	{"gloas-", wordDash, 16, 0, "gitlab", ""},
	{"glagent-", wordDash, 16, 0, "gitlab", ""},
	{"xoxb-", wordDash, 16, 0, "slack", "Slack tokens"},
	{"xoxp-", wordDash, 16, 0, "slack", ""},
	{"xoxa-", wordDash, 16, 0, "slack", ""},
	{"xoxr-", wordDash, 16, 0, "slack", ""},
	{"xoxs-", wordDash, 16, 0, "slack", ""},
	{"xoxe-", wordDash, 16, 0, "slack", ""},
	{"xoxe.", wordDotted, 16, 0, "slack", ""},
	{"xoxc-", wordDash, 16, 0, "slack", ""},
	{"xoxd-", wordDash, 16, 0, "slack", ""},
	{"xapp-", wordDash, 16, 0, "slack", ""},
	{"sk_live_", alnum, 16, 0, "stripe", "Stripe secret and restricted keys, signing secrets"},
	{"sk_test_", alnum, 16, 0, "stripe", ""},
	{"rk_live_", alnum, 16, 0, "stripe", ""},
	{"rk_test_", alnum, 16, 0, "stripe", ""},
	{"whsec_", base64Byte, 20, 0, "stripe", ""},
	{"SK", hexByte, 32, 32, "twilio", "Twilio API keys"},
	{"SG.", wordDotted, 40, 0, "sendgrid", "SendGrid keys"},
	{"npm_", alnum, 30, 0, "npm", "npm tokens"},
	{"pypi-", wordDash, 40, 0, "pypi", "PyPI tokens"},
	{"sk-ant-", wordDash, 20, 0, "anthropic", "Anthropic keys"},
	{"sk-proj-", wordDash, 20, 0, "openai", "OpenAI keys, and those of services that write theirs alike (sk-…)"},
	{"sk-svcacct-", wordDash, 20, 0, "openai", ""},
	{"sk-or-v1-", hexByte, 40, 0, "openai", ""},
	{"sk-", alnum, 20, 0, "openai", ""},
	{"AIza", wordDash, 35, 35, "google", "Google API keys, OAuth tokens and client secrets"},
	{"ya29.", wordDotted, 20, 0, "google", ""},
	{"GOCSPX-", wordDash, 20, 0, "google", ""},
	{"dop_v1_", hexByte, 64, 64, "digitalocean", "DigitalOcean tokens"},
	{"doo_v1_", hexByte, 64, 64, "digitalocean", ""},
	{"dor_v1_", hexByte, 64, 64, "digitalocean", ""},
	{"HRKU-", wordDash, 30, 0, "heroku", "Heroku keys"},
	{"hf_", alnum, 30, 0, "huggingface", "Hugging Face tokens"},
	{"hvs.", wordDash, 20, 0, "vault", "Vault tokens"},
	{"hvb.", wordDash, 20, 0, "vault", ""},
	{"hvr.", wordDash, 20, 0, "vault", ""},
	{"sntrys_", wordDotted, 40, 0, "sentry", "Sentry tokens"},
	{"sntryu_", hexByte, 40, 0, "sentry", ""},
	{"glsa_", wordByte, 30, 0, "grafana", "Grafana tokens"},
	{"glc_", base64Byte, 30, 0, "grafana", ""},
	{"NRAK-", upperDigit, 20, 0, "newrelic", "New Relic keys"},
	{"NRJS-", hexByte, 16, 0, "newrelic", ""},
	{"dapi", hexByte, 32, 34, "databricks", "Databricks tokens"},
	{"dckr_pat_", wordDash, 20, 0, "docker", "Docker Hub tokens"},
	{"dckr_oat_", wordDash, 20, 0, "docker", ""},
	{"dp.pt.", alnum, 40, 0, "doppler", "Doppler tokens"},
	{"dp.st.", wordDotted, 40, 0, "doppler", ""},
	{"shpat_", hexByte, 32, 32, "shopify", "Shopify tokens"},
	{"shpss_", hexByte, 32, 32, "shopify", ""},
	{"shpca_", hexByte, 32, 32, "shopify", ""},
	{"pscale_tkn_", wordDotted, 30, 0, "planetscale", "PlanetScale tokens and passwords"},
	{"pscale_pw_", wordDotted, 30, 0, "planetscale", ""},
	{"rubygems_", hexByte, 48, 48, "rubygems", "RubyGems keys"},
	{"lin_api_", alnum, 30, 0, "linear", "Linear keys"},
	{"ntn_", alnum, 40, 0, "notion", "Notion tokens"},
	{"PMAK-", wordDash, 50, 0, "postman", "Postman keys"},
	{"ATATT3", base64URL, 100, 0, "atlassian", "Atlassian tokens"},
	{"sbp_", hexByte, 40, 40, "supabase", "Supabase tokens"},
	{"sb_secret_", wordDash, 20, 0, "supabase", ""},
	{"gsk_", alnum, 40, 0, "groq", "Groq keys"},
	{"r8_", alnum, 37, 37, "replicate", "Replicate tokens"},
	{"pplx-", alnum, 40, 0, "perplexity", "Perplexity keys"},
	{"CCIPAT_", wordByte, 40, 0, "circleci", "CircleCI tokens"},
	{"pul-", hexByte, 40, 40, "pulumi", "Pulumi tokens"},
	{"tskey-", wordDash, 20, 0, "tailscale", "Tailscale keys"},
	{"fm2_", base64Byte, 60, 0, "fly", "Fly tokens"},
	{"FlyV1", func(b byte) bool { return base64Byte(b) || b == ' ' || b == '_' || b == ',' }, 60, 0, "fly", ""},
	{"sq0atp-", wordDash, 22, 22, "square", "Square tokens"},
	{"sq0csp-", wordDash, 43, 43, "square", ""},
	{"key-", hexByte, 32, 32, "mailgun", "Mailgun keys"},
	{"AGE-SECRET-KEY-1", upperDigit, 50, 0, "age", "age identities"},
	{"eyJ", wordDotted, 30, 0, JWT, ""},
	{"SCRAM-SHA-256$", scramByte, 40, 0, Verifier, ""},
	{"pbkdf2_sha256$", scramByte, 30, 0, Verifier, ""},
	{"md5", hexByte, 32, 32, Verifier, ""},
}

// begins holds the first two bytes of every prefix.
var begins = func() *pairs {
	var p pairs
	for _, t := range tokens {
		p.add(t.prefix[0], t.prefix[1])
	}
	return &p
}()

// tokensBy holds the tokens by their first byte.
var tokensBy = func() *[256][]tokenShape {
	var table [256][]tokenShape
	for _, t := range tokens {
		table[t.prefix[0]] = append(table[t.prefix[0]], t)
	}
	return &table
}()

// longestToken bounds what is read of one token, in bytes.
const longestToken = 1 << 14

// token takes a token that begins at a place.
func (s *scanner) token(from int) bool {
	if before := byteAt(s.text, from-1); before == '-' && from > 0 {
		return false // part of a longer word
	}
	shapes := tokensBy[byteAt(s.text, from)]
	for i := range shapes {
		t := &shapes[i]
		if !prefixed(s.text, from, t.prefix) {
			continue
		}
		body := from + len(t.prefix)
		end := run(s.text, body, longestToken, t.of)
		for end > body && (s.text[end-1] == '.' || s.text[end-1] == '-') {
			end-- // the end of a sentence, a dash behind it
		}
		n := end - body
		if n < t.min || t.max > 0 && n > t.max || wordByte(byteAt(s.text, end)) && n < longestToken || t.min != t.max && !drawn(s.text[body:end]) {
			continue
		}
		if t.kind == JWT && strings.Count(s.text[from:end], ".") < 1 {
			continue
		}
		if t.kind == "aws" && t.max > 0 {
			defer s.awsSecret(end)
		}
		return s.add(Span{From: from, To: end, Kind: t.kind})
	}
	return false
}

// drawn reports whether a body may have been drawn by lot. Names that only
// begin like a token are made of words.
func drawn(body string) bool {
	return count(body, digit) > 0 && count(body, alpha) > 0 || count(body, upper) > 0 && count(body, lower) > 0
}

// awsSecret takes the secret key that stands close behind its id. It has no
// sign of its own: 40 bytes of base64.
func (s *scanner) awsSecret(from int) {
	const reach, length = 60, 40
	for at := from; at < min(len(s.text), from+reach); at++ {
		if !base64Byte(s.text[at]) || base64Byte(s.text[at-1]) && s.text[at-1] != '=' {
			continue
		}
		end := run(s.text, at, length+1, base64Byte)
		v := s.text[at:end]
		if end-at == length && count(v, digit) > 0 && count(v, upper) > 0 && count(v, lower) > 0 {
			s.add(Span{From: at, To: end, Kind: "aws"})
			return
		}
	}
}
