package fault

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// certificateExpired shows customers a certificate whose time is over.
func certificateExpired() Fault {
	return Fault{
		Name: "certificate-expired", Group: "Edge", Cause: "C-cert-expired",
		About:      "the gateway's certificate has ended: its renewal failed",
		Truth:      one("edge/tls#the-certificate-has-expired"),
		LookAlikes: []string{"C-cert-misconfigured"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			end := time.Now().Add(-time.Duration(between(r, 1, 400)) * time.Hour)
			return serveTLS(s, certificate{names: []string{"orders.test"}, from: end.Add(-90 * 24 * time.Hour), to: end})
		},
	}
}

// certificateWrong shows a certificate for another name, or of nobody known.
func certificateWrong() Fault {
	return Fault{
		Name: "certificate-wrong", Group: "Edge", Cause: "C-cert-misconfigured",
		About:      "the gateway's certificate is for another name, or signed by nobody that clients know",
		Truth:      one("edge/tls#the-certificate-is-for-another-name", "edge/tls#the-authority-is-not-trusted"),
		LookAlikes: []string{"C-cert-expired"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			c := certificate{names: []string{"orders.test"}, from: time.Now().Add(-24 * time.Hour), to: time.Now().Add(60 * 24 * time.Hour)}
			if r.IntN(2) == 0 {
				c.names = []string{pick(r, "old.test", "www.orders.example")}
			} else {
				c.stranger = true
			}
			return serveTLS(s, c)
		},
	}
}

// certificate says what is served.
type certificate struct {
	names    []string
	from, to time.Time
	stranger bool // signed by an authority that nobody trusts
}

// serveTLS lets the gateway speak TLS on a port of its own, and tells quell of it.
func serveTLS(s *stack.Stack, c certificate) (Heal, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	if err := c.write(s.Path("etc", "tls.pem"), s.Path("etc", "authority.pem")); err != nil {
		return nil, err
	}
	listen := fmt.Sprintf("    listen 127.0.0.1:%d backlog=512;\n", s.Port.Front)
	heal, err := editFront(s, listen, listen+fmt.Sprintf("    listen 127.0.0.1:%d ssl;\n    server_name orders.test;\n    ssl_certificate %[2]s;\n    ssl_certificate_key %[2]s;\n", port, s.Path("etc", "tls.pem")))
	if err != nil {
		return nil, err
	}
	return heal, s.EditQuell(func(yaml string) string {
		yaml = strings.Replace(yaml, "front, web-a", "front, front-certificate, web-a", 1)
		return strings.Replace(yaml, "targets:\n", fmt.Sprintf("targets:\n  front-certificate: {kind: tls, address: \"127.0.0.1:%d\", server_name: orders.test, ca_file: %s}\n", port, s.Path("etc", "authority.pem")), 1)
	})
}

// write makes an authority and a certificate of it. The certificate's key comes
// with it; the authority's is thrown away.
func (c certificate) write(path, authorityPath string) error {
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Lab authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-1000 * 24 * time.Hour), NotAfter: time.Now().Add(1000 * 24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	signer, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		return err
	}
	known, err := x509.CreateCertificate(crand.Reader, authority, authority, signer.Public(), signer)
	if err != nil {
		return err
	}
	if c.stranger {
		if signer, err = ecdsa.GenerateKey(elliptic.P256(), crand.Reader); err != nil {
			return err
		}
		authority.Subject.CommonName = "Somebody"
	}
	leaf, err := x509.CreateCertificate(crand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: c.names[0]}, DNSNames: c.names, NotBefore: c.from, NotAfter: c.to,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, authority, key.Public(), signer)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	both := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})...)
	if err := os.WriteFile(path, both, 0o600); err != nil {
		return err
	}
	return os.WriteFile(authorityPath, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: known}), 0o644)
}
