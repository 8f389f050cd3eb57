package redis

import (
	"strings"

	"github.com/quellhq/quell/internal/evidence"
)

// answer says what a refusal at the door means for the question that stood
// behind it. redis.connect reports the same as evidence.
func (r *refusal) answer(what string, at address) evidence.Answer {
	status, hint := evidence.Unreachable, ""
	switch r.kind {
	case kindTimeout:
		status = evidence.TimedOut
	case kindNoAuth, kindWrongPass, kindNoPerm, kindProtected, kindMaxClients, kindOSDenied:
		status = evidence.Denied
	case kindBadDB:
		status = evidence.Invalid
	}
	switch r.kind {
	case kindNoAuth:
		hint = "give the target a password: put it in the url or in the setting password"
	case kindWrongPass:
		hint = "check user name and password of the target against requirepass and ACL LIST of the server"
	case kindNoPerm:
		hint = "ACL SETUSER " + user(at) + " +ping"
	case kindMaxClients:
		hint = "the server is full; raise maxclients or close connections"
	case kindProtected:
		hint = "the server takes no strangers without a password: set requirepass, or bind it to the address in use"
	case kindTLSMismatch:
		hint = "use rediss:// for a server with TLS, redis:// for one without"
		if r.phase == "tls" {
			hint = "write redis:// instead of rediss://"
		} else if at.tls == nil {
			hint = "write rediss:// instead of redis://"
		}
	case kindTLSCert:
		hint = "set ca_file to the authority that signed the certificate, or server_name to the name it bears"
	case kindBadDB:
		hint = "the number after the last / of the url is the database; the server has fewer"
	case kindNoHost, kindNoSocket, kindNotRedis:
		hint = "check the address in the target's url"
	}
	return evidence.Not(status, what+": "+r.said, hint)
}

// refused says what an error reply to a command means.
func refused(command, said string, at address) evidence.Answer {
	word, _, _ := strings.Cut(said, " ")
	reason := strings.ToUpper(command) + ": " + said
	switch {
	case word == "NOPERM" && strings.Contains(said, "key"):
		return evidence.Not(evidence.Denied, reason, "ACL SETUSER "+user(at)+" %R~*")
	case word == "NOPERM":
		return evidence.Not(evidence.Denied, reason, grant(command, at))
	case word == "NOAUTH", word == "WRONGPASS":
		return evidence.Not(evidence.Denied, reason, "give the target a password: put it in the url or in the setting password")
	case word == "LOADING", word == "BUSY", word == "MASTERDOWN", word == "CLUSTERDOWN":
		return evidence.Not(evidence.Unreachable, reason, "")
	case word == "MOVED", word == "ASK":
		return evidence.Not(evidence.NotApplicable, reason+": the key lives on another node of this cluster", "")
	case strings.Contains(said, "unknown command"), strings.Contains(said, "unknown subcommand"),
		strings.Contains(said, "Unknown subcommand"):
		return evidence.Not(evidence.NotApplicable, reason, "")
	}
	return evidence.Not(evidence.Invalid, reason, "")
}

// grant is the exact command that lets our user run another. Subcommands are
// named with a bar, as ACL rules want them.
func grant(command string, at address) string {
	return "ACL SETUSER " + user(at) + " +" + strings.ReplaceAll(strings.ToLower(command), " ", "|")
}

func user(at address) string {
	if at.username == "" {
		return "default"
	}
	return at.username
}
