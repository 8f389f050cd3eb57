package tls_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	stdtls "crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/tls"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

// authority is a root and an intermediate of our own.
type authority struct {
	root, middle *x509.Certificate
	key          *ecdsa.PrivateKey
	file         string
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key := newKey(t)
	old := func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.NotBefore = true, true, time.Now().Add(-400*24*time.Hour)
	}
	root := sign(t, template("Quell test root", old), nil, key, key)
	middle := sign(t, template("Quell test intermediate", old), root, key, key)
	file := filepath.Join(t.TempDir(), "root.pem")
	require.NoError(t, os.WriteFile(file, pemOf(root), 0o600))
	return authority{root: root, middle: middle, key: key, file: file}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func template(name string, change func(*x509.Certificate)) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<60))
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if change != nil {
		change(c)
	}
	return c
}

func sign(t *testing.T, c, parent *x509.Certificate, key, parentKey any) *x509.Certificate {
	t.Helper()
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, public(key), parentKey)
	require.NoError(t, err)
	out, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return out
}

func public(key any) any {
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		return &k.PublicKey
	case *rsa.PrivateKey:
		return &k.PublicKey
	}
	return nil
}

func pemOf(certs ...*x509.Certificate) []byte {
	var out []byte
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out
}

func keyPEM(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// serve starts a real nginx with the chain and returns its port.
func serve(t *testing.T, key any, extra string, chain ...*x509.Certificate) int {
	t.Helper()
	n := realserver.StartNginx(t, `server { listen 127.0.0.1:PORT ssl; ssl_certificate DIR/c.pem; ssl_certificate_key DIR/k.pem; `+extra+` return 200; }`,
		map[string]string{"c.pem": string(pemOf(chain...)), "k.pem": keyPEM(t, key)})
	return n.Port
}

func ask(t *testing.T, s connector.Settings, tools connector.Tools) map[string]any {
	t.Helper()
	target, err := tls.Kind().Open(s, tools)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	a := target.Ask(ctx, probe.Question{Lang: "probe", Builtin: "tls.certificate"})
	require.NoError(t, target.Close())
	require.NoError(t, target.Close())
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	return a.Value.(map[string]any)
}

func TestCertificateAgainstNginx(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	key := newKey(t)
	leaf := func(change func(*x509.Certificate)) *x509.Certificate {
		return sign(t, template("shop.test", func(c *x509.Certificate) {
			c.DNSNames = []string{"shop.test", "localhost"}
			if change != nil {
				change(c)
			}
		}), ca.middle, key, ca.key)
	}
	good := leaf(nil)
	cases := map[string]struct {
		chain   []*x509.Certificate
		name    string
		problem string
		all     []any
	}{
		"a good chain":                {[]*x509.Certificate{good, ca.middle}, "shop.test", "", []any{}},
		"the root sent along is fine": {[]*x509.Certificate{good, ca.middle, ca.root}, "shop.test", "", []any{}},
		"expired": {[]*x509.Certificate{leaf(func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(-90*24*time.Hour), time.Now().Add(-2*24*time.Hour)
		}), ca.middle}, "shop.test", "expired", []any{"expired"}},
		"not yet valid": {[]*x509.Certificate{leaf(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(3 * time.Hour) }), ca.middle}, "shop.test", "not yet valid", []any{"not yet valid"}},
		"another name":  {[]*x509.Certificate{good, ca.middle}, "other.test", "name mismatch", []any{"name mismatch"}},
		"expired for another name": {[]*x509.Certificate{leaf(func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(-90*24*time.Hour), time.Now().Add(-time.Hour)
		}), ca.middle}, "other.test", "expired", []any{"expired", "name mismatch"}},
		"the intermediate is missing": {[]*x509.Certificate{leaf(func(c *x509.Certificate) { c.IssuingCertificateURL = []string{"http://ca.test/middle.crt"} })}, "shop.test", "incomplete chain", []any{"incomplete chain"}},
		"self-signed":                 {[]*x509.Certificate{sign(t, template("shop.test", func(c *x509.Certificate) { c.DNSNames = []string{"shop.test"} }), nil, key, key)}, "shop.test", "self-signed", []any{"self-signed"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			port := serve(t, key, "", c.chain...)
			v := ask(t, connector.Settings{"address": net.JoinHostPort("127.0.0.1", itoa(port)), "server_name": c.name, "ca_file": ca.file}, connector.Tools{})
			require.Equal(t, true, v["reachable"])
			require.Equal(t, c.problem, v["problem"])
			require.Equal(t, c.all, v["problems"])
			require.Equal(t, c.problem == "", v["verified"])
			require.Equal(t, "shop.test", v["subject"])
			require.Contains(t, v["protocol"], "TLS 1.")
			require.Equal(t, true, v["same_everywhere"])
			require.Len(t, v["chain"], len(c.chain))
		})
	}
	t.Run("an authority that is not ours is unknown", func(t *testing.T) {
		other := newAuthority(t)
		port := serve(t, key, "", good, ca.middle)
		v := ask(t, connector.Settings{"address": net.JoinHostPort("127.0.0.1", itoa(port)), "server_name": "shop.test", "ca_file": other.file}, connector.Tools{})
		require.Equal(t, "unknown authority", v["problem"])
	})
	t.Run("days left and the share of the life follow the given clock", func(t *testing.T) {
		port := serve(t, key, "", good, ca.middle)
		later := func() time.Time { return good.NotAfter.Add(-5 * 24 * time.Hour) }
		v := ask(t, connector.Settings{"address": net.JoinHostPort("127.0.0.1", itoa(port)), "server_name": "shop.test", "ca_file": ca.file}, connector.Tools{Now: later})
		require.InDelta(t, 5, v["days_left"], 0.01)
		require.InDelta(t, 5.0/91, v["lifetime_left"], 0.001)
		require.Equal(t, true, v["verified"])
	})
	t.Run("a weak key and an old protocol are named", func(t *testing.T) {
		weak, err := rsa.GenerateKey(rand.Reader, 1024)
		if err != nil {
			t.Skipf("this Go does not make weak keys: %v", err)
		}
		c := sign(t, template("shop.test", func(c *x509.Certificate) { c.DNSNames = []string{"shop.test"} }), ca.root, weak, ca.key)
		port := serveGo(t, &stdtls.Config{Certificates: []stdtls.Certificate{{Certificate: [][]byte{c.Raw}, PrivateKey: weak}}, MinVersion: stdtls.VersionTLS10, MaxVersion: stdtls.VersionTLS11})
		v := ask(t, connector.Settings{"address": port, "server_name": "shop.test", "ca_file": ca.file}, connector.Tools{})
		if v["reachable"] == true {
			require.Equal(t, []any{"RSA key of 1024 bits"}, v["weak"])
			require.Equal(t, true, v["old_protocol"])
		}
	})
	t.Run("a server that wants a client certificate says so", func(t *testing.T) {
		pool := x509.NewCertPool()
		pool.AddCert(ca.root)
		port := serveGo(t, &stdtls.Config{
			Certificates: []stdtls.Certificate{{Certificate: [][]byte{good.Raw, ca.middle.Raw}, PrivateKey: key}},
			ClientAuth:   stdtls.RequireAndVerifyClientCert, ClientCAs: pool, MaxVersion: stdtls.VersionTLS12,
		})
		v := ask(t, connector.Settings{"address": port, "server_name": "shop.test", "ca_file": ca.file}, connector.Tools{})
		require.Equal(t, true, v["asks_client_certificate"])
		require.Equal(t, true, v["reachable"])
	})
	t.Run("a fence asks for names", func(t *testing.T) {
		port := serve(t, key, "", good, ca.middle)
		target, err := tls.Kind().Open(connector.Settings{"address": net.JoinHostPort("127.0.0.1", itoa(port)), "ca_file": ca.file}, connector.Tools{})
		require.NoError(t, err)
		a := target.Ask(context.Background(), probe.Question{Lang: "tls", Text: probe.Literal("name shop.test\nname other.test")})
		rows := a.Value.([]any)
		require.Equal(t, "", rows[0].(map[string]any)["problem"])
		require.Equal(t, "name mismatch", rows[1].(map[string]any)["problem"])
	})
	t.Run("documented fields are there, and no other", func(t *testing.T) {
		port := serve(t, key, "", good, ca.middle)
		v := ask(t, connector.Settings{"address": net.JoinHostPort("127.0.0.1", itoa(port)), "server_name": "shop.test", "ca_file": ca.file}, connector.Tools{})
		var want, got []string
		for _, f := range tls.Kind().Probes[0].Fields {
			want = append(want, f.Name)
		}
		for k := range v {
			got = append(got, k)
		}
		require.ElementsMatch(t, want, got)
	})
}

func itoa(n int) string { return big.NewInt(int64(n)).String() }

func serveGo(t *testing.T, c *stdtls.Config) string {
	t.Helper()
	l, err := stdtls.Listen("tcp", "127.0.0.1:0", c)
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(time.Second))
			_ = conn.(*stdtls.Conn).Handshake()
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

func TestFailuresAreToldApart(t *testing.T) {
	t.Parallel()
	t.Run("nothing listens", func(t *testing.T) {
		v := ask(t, connector.Settings{"address": "127.0.0.1:" + itoa(realserver.Port(t))}, connector.Tools{})
		require.Equal(t, false, v["reachable"])
		require.Equal(t, "connect", v["phase_failed"])
		require.Equal(t, "refused", v["error"])
		require.Nil(t, v["verified"])
	})
	t.Run("plain http on the port", func(t *testing.T) {
		n := realserver.StartNginx(t, "server { listen 127.0.0.1:PORT; return 200; }", nil)
		v := ask(t, connector.Settings{"address": "127.0.0.1:" + itoa(n.Port)}, connector.Tools{})
		require.Equal(t, "tls", v["phase_failed"])
		require.Equal(t, "tls_not_spoken", v["error"])
	})
	t.Run("a plain url has no certificate, which is no fault", func(t *testing.T) {
		target, err := tls.Kind().Open(connector.Settings{"url": "http://127.0.0.1:8000"}, connector.Tools{})
		require.NoError(t, err)
		require.Equal(t, evidence.NotApplicable, target.Ask(context.Background(), probe.Question{Lang: "probe", Builtin: "tls.certificate"}).Status)
	})
	t.Run("a Postgres without TLS says that it does not offer it", func(t *testing.T) {
		pg := realserver.StartPostgres(t, realserver.PostgresConfig{})
		v := ask(t, connector.Settings{"address": "127.0.0.1:" + itoa(pg.Port), "starttls": "postgres"}, connector.Tools{})
		require.Equal(t, "starttls", v["phase_failed"])
		require.Equal(t, "tls_not_spoken", v["error"])
	})
	t.Run("silence ends within the deadline", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer func() { _ = l.Close() }()
		target, err := tls.Kind().Open(connector.Settings{"address": l.Addr().String()}, connector.Tools{})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		a := target.Ask(ctx, probe.Question{Lang: "probe", Builtin: "tls.certificate"})
		require.NoError(t, ctx.Err(), "the answer came after the deadline")
		require.Equal(t, "timeout", a.Value.(map[string]any)["error"])
	})
	t.Run("settings", func(t *testing.T) {
		for says, s := range map[string]connector.Settings{
			"address is missing": {}, "host:port": {"address": "x"}, "ca_file": {"address": "x:1", "ca_file": "none"},
			"only postgres": {"address": "x:1", "starttls": "smtp"}, "unknown setting": {"adress": "x"},
		} {
			_, err := tls.Kind().Open(s, connector.Tools{})
			require.ErrorContains(t, err, says)
		}
	})
	t.Run("a fence that cannot be read", func(t *testing.T) {
		for _, bad := range []string{"", "shop.test", "name", "name https://x", strings.Repeat("name x\n", 17)} {
			require.NotEmpty(t, tls.Kind().Languages[0].Check(probe.Literal(bad), nil), "%q", bad)
		}
	})
}
