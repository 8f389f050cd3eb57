package redisapi

import (
	"errors"
	"strings"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
)

// Answer says what a refusal at the door means for the question that stood
// behind it. redis.connect reports the same as evidence.
func (r *Refusal) Answer(what string, at Address) evidence.Answer {
	status, hint := evidence.Unreachable, ""
	switch r.Kind {
	case KindTimeout:
		status = evidence.TimedOut
	case KindNoAuth, KindWrongPass, KindNoPerm, KindProtected, KindMaxClients, KindOSDenied:
		status = evidence.Denied
	case KindBadDB:
		status = evidence.Invalid
	}
	switch r.Kind {
	case KindNoAuth:
		hint = "give the target a password: put it in the url or in the setting password"
	case KindWrongPass:
		hint = "check user name and password of the target against requirepass and ACL LIST of the server"
	case KindNoPerm:
		hint = "ACL SETUSER " + user(at) + " +ping"
	case KindMaxClients:
		hint = "the server is full; raise maxclients or close connections"
	case KindProtected:
		hint = "the server takes no strangers without a password: set requirepass, or bind it to the address in use"
	case KindTLSMismatch:
		hint = "use rediss:// for a server with TLS, redis:// for one without"
		if r.Phase == "tls" {
			hint = "write redis:// instead of rediss://"
		} else if at.TLS == nil {
			hint = "write rediss:// instead of redis://"
		}
	case KindTLSCert:
		hint = "set ca_file to the authority that signed the certificate, or server_name to the name it bears"
	case KindBadDB:
		hint = "the number after the last / of the url is the database; the server has fewer"
	case KindNoHost, KindNoSocket, KindNotRedis:
		hint = "check the address in the target's url"
	}
	return evidence.Not(status, what+": "+r.Said, hint)
}

// Failed turns the error of a Knock or of a Session into an answer. what says what
// was attempted: "CONFIG GET".
func Failed(what string, err error, at Address) evidence.Answer {
	var (
		r    *Refusal
		said *Said
	)
	switch {
	case errors.As(err, &r):
		return r.Answer("connect to "+at.Addr, at)
	case errors.As(err, &said):
		return Refused(said.Command, said.Text, at)
	case errors.Is(err, ErrTooBig):
		return evidence.Not(evidence.Refused, what+" at "+at.Addr+": "+ErrTooBig.Error(), "")
	}
	return connector.Failure(what+" at "+at.Addr, err)
}

// Refused says what an error reply to a command means.
func Refused(command, said string, at Address) evidence.Answer {
	word, _, _ := strings.Cut(said, " ")
	reason := strings.ToUpper(command) + ": " + said
	switch {
	case word == "NOPERM" && strings.Contains(said, "key"):
		return evidence.Not(evidence.Denied, reason, "ACL SETUSER "+user(at)+" %R~*")
	case word == "NOPERM":
		return evidence.Not(evidence.Denied, reason, Grant(command, at))
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

// Grant is the exact command that lets our user run another. Subcommands are
// named with a bar, as ACL rules want them.
func Grant(command string, at Address) string {
	return "ACL SETUSER " + user(at) + " +" + strings.ReplaceAll(strings.ToLower(command), " ", "|")
}

func user(at Address) string {
	if at.Username == "" {
		return "default"
	}
	return at.Username
}
