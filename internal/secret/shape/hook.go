package shape

import "strings"

// hooks are hosts of which a part of the path is the secret: who knows the
// address may post. skip is how many segments behind the prefix only say where;
// one segment is secret, or all the rest.
var hooks = []struct {
	host, path string
	skip       int
	rest       bool
}{
	{"hooks.slack.com", "/services/", 2, false},
	{"hooks.slack.com", "/workflows/", 2, false},
	{"hooks.slack.com", "/triggers/", 1, false},
	{"hooks.slack-gov.com", "/services/", 2, false},
	{"discord.com", "/api/webhooks/", 1, false},
	{"discord.com", "/api/v10/webhooks/", 1, false},
	{"discordapp.com", "/api/webhooks/", 1, false},
	{"api.telegram.org", "/bot", 0, false},
	{"api.telegram.org", "/file/bot", 0, false},
	{"webhook.office.com", "/webhookb2/", 0, true},
	{"outlook.office.com", "/webhook/", 0, true},
	{"outlook.office365.com", "/webhook/", 0, true},
	{"hooks.zapier.com", "/hooks/catch/", 1, false},
	{"events.pagerduty.com", "/integration/", 0, false},
	{"hooks.chime.aws", "/incomingwebhooks/", 0, false},
	{"open.feishu.cn", "/open-apis/bot/v2/hook/", 0, false},
	{"open.larksuite.com", "/open-apis/bot/v2/hook/", 0, false},
	{"hc-ping.com", "/", 0, false},
	{"hook.integromat.com", "/", 0, false},
	{"maker.ifttt.com", "/trigger/", 3, true},
	{"alert.victorops.com", "/integrations/generic/20131114/alert/", 0, false},
}

// hook takes the secret part of the path of a hook's address. path is where the
// path begins, slash how slashes are written there.
func (s *scanner) hook(host string, path int, slash string) {
	host, _, _ = strings.Cut(strings.ToLower(host), ":")
	for _, h := range hooks {
		if !strings.HasSuffix(host, h.host) || len(host) > len(h.host) && host[len(host)-len(h.host)-1] != '.' {
			continue
		}
		prefix := strings.ReplaceAll(h.path, "/", slash)
		if !prefixed(s.text, path, prefix) {
			continue
		}
		from := path + len(prefix)
		end := run(s.text, from, 1024, hookByte)
		if slash != "/" {
			end = run(s.text, from, 1024, func(b byte) bool { return hookByte(b) || b == '\\' })
			end = back(s.text, end, from, 16, isBackslash)
		}
		from = skipSegments(s.text, from, end, h.skip, slash)
		if !h.rest {
			end = run(s.text, from, end-from, func(b byte) bool { return b != '/' && b != '\\' })
		}
		if from < end && !elsewhere(s.text[from:end]) {
			s.add(Span{From: from, To: end, Kind: Hook})
		}
		return
	}
}

func hookByte(b byte) bool {
	return alnum(b) || strings.IndexByte("-_./@~:%+=", b) >= 0
}

// skipSegments goes over the segments of a path that are no secret; where there
// are too few of them, over none.
func skipSegments(text string, from, end, n int, slash string) int {
	at := from
	for range n {
		next := strings.Index(text[at:end], slash)
		if next < 0 {
			return from
		}
		at += next + len(slash)
	}
	return at
}
