package tls

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"sort"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// maxAddresses bounds how many addresses of one name are asked.
const maxAddresses = 8

func certificateSpec() probe.Spec {
	return probe.Spec{
		Name:     "tls.certificate",
		Question: "Is the certificate good for this name, now and for a while, on every address?",
		Why:      "An expired or wrong certificate stops every client at once, and renewal fails silently weeks before.",
		Cost:     "one handshake with each address of the name, at most 8; nothing is sent",
		Shape:    probe.Object,
		Fields: []probe.Field{
			{Name: "reachable", Type: "bool", About: "a handshake got as far as the server's certificate"},
			{Name: "phase_failed", Type: "text", About: "dns, connect, starttls or tls; empty when none failed"},
			{Name: "error", Type: "text", About: "refused, timeout, reset, closed, no_such_host, lookup_failed, tls_not_spoken, tls_client_certificate, tls_failed or other; empty when there is none"},
			{Name: "verified", Type: "bool", About: "dates, name and chain are good; null when no certificate was seen"},
			{Name: "problem", Type: "text", About: "the first of: expired, not yet valid, name mismatch, self-signed, incomplete chain, unknown authority; empty when there is none"},
			{Name: "problems", Type: "list", About: "all of them"},
			{Name: "subject", Type: "text", About: "common name, or the first name, of the leaf"},
			{Name: "issuer", Type: "text", About: "common name of the leaf's issuer"},
			{Name: "names", Type: "list", About: "DNS names and addresses that the leaf is good for"},
			{Name: "server_name", Type: "text", About: "the name that was asked for"},
			{Name: "not_before", Type: "number", About: "seconds since 1970"},
			{Name: "not_after", Type: "number", About: "seconds since 1970"},
			{Name: "days_left", Type: "number", About: "days until the leaf expires; negative when it has"},
			{Name: "earliest_days_left", Type: "number", About: "the same for whichever of leaf and intermediates expires first"},
			{Name: "lifetime_left", Type: "number", About: "share of the leaf's life that is left, 0 to 1"},
			{Name: "not_valid_for_s", Type: "number", About: "seconds until the leaf becomes valid; 0 when it is"},
			{Name: "chain", Type: "rows", About: "served certificates: subject, issuer, days_left, key, signature"},
			{Name: "protocol", Type: "text", About: "TLS 1.3, for instance"},
			{Name: "old_protocol", Type: "bool", About: "the server's best is under TLS 1.2"},
			{Name: "cipher", Type: "text", About: "cipher suite"},
			{Name: "alpn", Type: "text", About: "protocol chosen for the application: h2, http/1.1"},
			{Name: "weak", Type: "list", About: "keys and signatures that clients refuse"},
			{Name: "asks_client_certificate", Type: "bool", About: "the server asks for a client certificate"},
			{Name: "fingerprint", Type: "text", About: "SHA-256 of the leaf"},
			{Name: "connect_s", Type: "number", About: "seconds to connect"},
			{Name: "tls_s", Type: "number", About: "seconds for the handshake"},
			{Name: "addresses", Type: "rows", About: "for each address: address, error, problem, days_left, fingerprint"},
			{Name: "same_everywhere", Type: "bool", About: "every address that answered serves the same leaf"},
		},
		Outcomes: []probe.Outcome{
			{When: "problem is expired", Means: "renewal has failed, or the renewed file was never loaded"},
			{When: "problem is not yet valid", Means: "a clock is wrong: this machine's, or that of the machine that issued it"},
			{When: "problem is incomplete chain", Means: "the server sends the leaf without its intermediate: browsers get by, other clients do not"},
			{When: "lifetime_left is under 0.33", Means: "a renewal at two thirds of the life should have happened"},
			{When: "same_everywhere is false", Means: "one node serves another certificate: not reloaded, or a wrong node"},
		},
		Changes:  []probe.Moment{{Kind: probe.Certificate, At: "not_before", What: "certificate of {server_name}", About: "issuer"}},
		Timeline: true,
	}
}

func (t *target) certificate(ctx context.Context) evidence.Answer {
	v := map[string]any{
		"reachable": false, "phase_failed": "", "error": "", "verified": nil, "problem": "", "problems": []any{},
		"server_name": t.config.ServerName, "addresses": []any{}, "same_everywhere": true,
	}
	addresses, err := t.lookup(ctx)
	if err != nil {
		if errors.Is(err, connector.ErrBudget) || errors.Is(err, connector.ErrBackedOff) || errors.Is(ctx.Err(), context.Canceled) {
			return connector.Failure("look up "+t.config.host, err)
		}
		v["phase_failed"], v["error"] = "dns", connector.ErrorKind(err)
		return evidence.Of(v)
	}
	var notes []string
	if len(addresses) > maxAddresses {
		notes = append(notes, fmt.Sprintf("%d addresses, the first %d were asked", len(addresses), maxAddresses))
		addresses = addresses[:maxAddresses]
	}
	var shakes []shake
	for i, address := range addresses {
		share := t.config.Timeout.Duration
		if deadline, ok := ctx.Deadline(); ok {
			share = min(share, time.Until(deadline)*9/10/time.Duration(len(addresses)-i))
		}
		s, err := t.handshake(ctx, address, t.config.ServerName, share)
		if err != nil {
			if len(shakes) == 0 {
				return connector.Failure("shake hands with "+address, err)
			}
			notes = append(notes, address+" was not asked: "+err.Error())
			break
		}
		shakes = append(shakes, s)
	}
	t.describe(v, shakes)
	return evidence.Of(v, notes...)
}

// describe fills the object from the handshakes; its certificate is the worst
// one seen: with problems first, then the one that expires soonest.
func (t *target) describe(v map[string]any, shakes []shake) {
	now := t.tools.Now()
	rows := []any{}
	var worst *shake
	var worstProblems []string
	prints := map[string]bool{}
	for i := range shakes {
		s := &shakes[i]
		row := map[string]any{"address": s.address, "error": connector.ErrorKind(s.err), "problem": "", "days_left": nil, "fingerprint": ""}
		if len(s.certs) > 0 {
			problems := judge(s.certs, t.config.ServerName, t.config.roots, now)
			if len(problems) > 0 {
				row["problem"] = problems[0]
			}
			row["days_left"] = days(s.certs[0].NotAfter, now)
			row["fingerprint"] = fingerprint(s.certs[0])
			prints[fingerprint(s.certs[0])] = true
			if worst == nil || len(problems) > len(worstProblems) ||
				len(problems) == len(worstProblems) && s.certs[0].NotAfter.Before(worst.certs[0].NotAfter) {
				worst, worstProblems = s, problems
			}
		}
		rows = append(rows, row)
		if kind := connector.ErrorKind(s.err); s.err != nil && v["error"] == "" && (kind != "unroutable" || len(shakes) == 1) {
			v["phase_failed"], v["error"] = s.phase, connector.ErrorKind(s.err)
		}
	}
	v["addresses"], v["same_everywhere"] = rows, len(prints) <= 1
	if worst == nil {
		v["connect_s"], v["tls_s"] = shakes[0].connect.Seconds(), shakes[0].tls.Seconds()
		return
	}
	v["reachable"], v["verified"] = true, len(worstProblems) == 0
	v["problems"] = texts(worstProblems)
	if len(worstProblems) > 0 {
		v["problem"] = worstProblems[0]
	}
	for k, x := range leafValue(worst, now) {
		v[k] = x
	}
}

func leafValue(s *shake, now time.Time) map[string]any {
	leaf := s.certs[0]
	names := append([]string{}, leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	sort.Strings(names)
	subject := leaf.Subject.CommonName
	if subject == "" && len(names) > 0 {
		subject = names[0]
	}
	chain, earliest := []any{}, leaf.NotAfter
	for i, c := range s.certs {
		chain = append(chain, map[string]any{
			"subject": c.Subject.CommonName, "issuer": c.Issuer.CommonName,
			"days_left": days(c.NotAfter, now), "key": keyName(c), "signature": c.SignatureAlgorithm.String(),
		})
		if !(i > 0 && isSelfIssued(c)) && c.NotAfter.Before(earliest) {
			earliest = c.NotAfter
		}
	}
	lifetime := leaf.NotAfter.Sub(leaf.NotBefore).Seconds()
	left := 0.0
	if lifetime > 0 {
		left = min(max(leaf.NotAfter.Sub(now).Seconds()/lifetime, 0), 1)
	}
	return map[string]any{
		"subject": subject, "issuer": leaf.Issuer.CommonName, "names": texts(names),
		"not_before": float64(leaf.NotBefore.Unix()), "not_after": float64(leaf.NotAfter.Unix()),
		"days_left": days(leaf.NotAfter, now), "earliest_days_left": days(earliest, now),
		"lifetime_left": left, "not_valid_for_s": max(leaf.NotBefore.Sub(now).Seconds(), 0),
		"chain": chain, "protocol": tls.VersionName(s.protocol), "old_protocol": s.protocol != 0 && s.protocol < tls.VersionTLS12,
		"cipher": tls.CipherSuiteName(s.cipher), "alpn": s.alpn, "weak": texts(weak(s.certs)),
		"asks_client_certificate": s.asksForCert, "fingerprint": fingerprint(leaf),
		"connect_s": s.connect.Seconds(), "tls_s": s.tls.Seconds(),
	}
}

func days(at, now time.Time) float64 { return at.Sub(now).Hours() / 24 }

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

func texts(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// address joins a host of a question to this target's port.
func (t *target) address(host string) string { return net.JoinHostPort(host, t.config.port) }
