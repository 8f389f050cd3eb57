package tls

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"time"
)

// The problems of a certificate, in the order in which they are named when
// there are several: what stops every client comes first.
const (
	expired     = "expired"
	notYetValid = "not yet valid"
	nameWrong   = "name mismatch"
	selfSigned  = "self-signed"
	incomplete  = "incomplete chain"
	unknown     = "unknown authority"
)

// judge lists what is wrong with a served chain. Dates, names and trust are
// looked at one by one: an expired certificate for a wrong name has two
// problems, and mending one does not help.
func judge(chain []*x509.Certificate, name string, roots *x509.CertPool, now time.Time) []string {
	leaf := chain[0]
	var found []string
	if ended(chain, now) {
		found = append(found, expired)
	}
	if now.Before(leaf.NotBefore) {
		found = append(found, notYetValid)
	}
	if leaf.VerifyHostname(name) != nil {
		found = append(found, nameWrong)
	}
	if trust := trustProblem(chain, roots); trust != "" {
		found = append(found, trust)
	}
	return found
}

// ended reports whether the leaf or an intermediate that was sent has expired.
// A root that is sent along is ignored, as clients do.
func ended(chain []*x509.Certificate, now time.Time) bool {
	for i, c := range chain {
		if i > 0 && isSelfIssued(c) {
			continue
		}
		if now.After(c.NotAfter) {
			return true
		}
	}
	return false
}

// trustProblem verifies the chain at a moment inside of the leaf's own dates,
// so that a bad date is not reported as a bad authority.
func trustProblem(chain []*x509.Certificate, roots *x509.CertPool) string {
	leaf := chain[0]
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	at := leaf.NotBefore.Add(leaf.NotAfter.Sub(leaf.NotBefore) / 2)
	for _, when := range []time.Time{at, leaf.NotAfter.Add(-time.Second), leaf.NotBefore.Add(time.Second)} {
		_, err := leaf.Verify(x509.VerifyOptions{
			Roots: roots, Intermediates: between, CurrentTime: when,
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
		})
		if err == nil {
			return ""
		}
	}
	switch {
	case len(chain) == 1 && isSelfIssued(leaf):
		return selfSigned
	case broken(chain):
		return incomplete
	case len(chain) == 1 && len(leaf.IssuingCertificateURL) > 0:
		// The leaf says where its issuer can be fetched: it has one between
		// itself and a root, and the server did not send it. Browsers fetch it;
		// most other clients do not.
		return incomplete
	}
	return unknown
}

func isSelfIssued(c *x509.Certificate) bool {
	return bytes.Equal(c.RawSubject, c.RawIssuer)
}

// broken reports whether the sent chain has a gap: a certificate whose issuer is
// not the next one.
func broken(chain []*x509.Certificate) bool {
	for i := 0; i+1 < len(chain); i++ {
		if !bytes.Equal(chain[i].RawIssuer, chain[i+1].RawSubject) {
			return true
		}
	}
	return false
}

// weak names keys and signatures that clients refuse or soon will: RSA under
// 2048 bits (CA/Browser Forum baseline requirements), MD5 and SHA-1.
func weak(chain []*x509.Certificate) []string {
	var found []string
	for i, c := range chain {
		if i > 0 && isSelfIssued(c) {
			continue
		}
		if k, ok := c.PublicKey.(*rsa.PublicKey); ok && k.N.BitLen() < 2048 {
			found = append(found, fmt.Sprintf("RSA key of %d bits", k.N.BitLen()))
		}
		switch c.SignatureAlgorithm {
		case x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1:
			found = append(found, "signature "+c.SignatureAlgorithm.String())
		}
	}
	return found
}

func keyName(c *x509.Certificate) string {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", k.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + k.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return c.PublicKeyAlgorithm.String()
}
