package edge_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/realserver"
)

// gateway is a real nginx in front of 127.0.0.1:behind.
func gateway(t *testing.T, w *world, behind int, more string) {
	t.Helper()
	n := realserver.StartNginx(t, fmt.Sprintf(`server { listen 127.0.0.1:PORT; %s location / { proxy_pass http://127.0.0.1:%d; proxy_read_timeout 1s; } }`, more, behind), nil)
	w.port, w.url = n.Port, fmt.Sprintf("http://127.0.0.1:%d", n.Port)
	w.log = filepath.Join(n.Dir, "error.log")
}

func TestHealthyIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "fine-shop")
	start(t, "pool "+strings.TrimPrefix(w.url, "http://")+" 3", "gunicorn", "-w", "3", "fine-shop:app")
	w.healthy()
	t.Run("on a machine whose processors are all busy", func(t *testing.T) {
		for range 2 * runtime.NumCPU() {
			start(t, "spin", "somebody-computes")
		}
		w.healthy()
	})
	t.Run("and behind a gateway", func(t *testing.T) {
		g := newWorld(t, "fine-gateway")
		gateway(t, g, w.port, "")
		g.healthy()
	})
}

func TestGatewayFaults(t *testing.T) {
	t.Parallel()
	t.Run("nobody behind the gateway", func(t *testing.T) {
		w := newWorld(t, "dead-backend")
		gateway(t, w, realserver.Port(t), "")
		w.first("edge/unreachable#the-gateway-finds-nobody-behind-it")
	})
	t.Run("somebody stuck behind the gateway", func(t *testing.T) {
		w := newWorld(t, "stuck-backend")
		l, err := net.Listen("tcp", "127.0.0.1:0") // accepts by its backlog, answers nobody
		require.NoError(t, err)
		defer func() { _ = l.Close() }()
		gateway(t, w, l.Addr().(*net.TCPAddr).Port, "")
		w.first("edge/unreachable#the-gateway-gives-up-waiting")
	})
	t.Run("turned away", func(t *testing.T) {
		w := newWorld(t, "closed-shop")
		gateway(t, w, realserver.Port(t), "add_header Retry-After 30 always; return 503;")
		w.first("edge/unreachable#the-service-turns-requests-away")
	})
	t.Run("the health path does not exist", func(t *testing.T) {
		w := newWorld(t, "wrong-health")
		gateway(t, w, realserver.Port(t), "location = / { return 200; } location = /healthz { return 404; }")
		w.health = "/healthz"
		w.first("edge/unreachable#the-health-check-fails-while-the-service-works")
	})
	t.Run("redirects in circles", func(t *testing.T) {
		w := newWorld(t, "round-shop")
		gateway(t, w, realserver.Port(t), "location = / { return 302 /; }")
		w.first("edge/unreachable#redirects-go-in-circles")
	})
	t.Run("one address of two is bad", func(t *testing.T) {
		w := newWorld(t, "half-shop")
		gateway(t, w, realserver.Port(t), "location = / { return 200; }")
		d := realserver.StartDnsmasq(t, "host-record=half.test,127.0.0.1", "host-record=half.test,127.0.0.2")
		w.target("web", fmt.Sprintf(`{kind: http, url: "http://half.test:%d", resolver: %q}`, w.port, d.Address))
		w.first("edge/unreachable#one-address-of-several-is-bad")
	})
}

func TestProcessFaults(t *testing.T) {
	t.Parallel()
	t.Run("nothing listens", func(t *testing.T) {
		newWorld(t, "gone-shop").first("edge/unreachable#nothing-listens-on-the-port")
	})
	t.Run("a stranger holds the port", func(t *testing.T) {
		w := newWorld(t, "robbed-shop")
		start(t, fmt.Sprintf("server 127.0.0.1:%d", w.port), "somebody-else")
		w.says("[ERROR] Connection in use: ('127.0.0.1', 8000)", "OSError: [Errno 98] Address already in use")
		w.first("startup/port#another-program-holds-the-port")
	})
	t.Run("it came up on another port", func(t *testing.T) {
		w := newWorld(t, "moved-shop")
		start(t, fmt.Sprintf("server 127.0.0.1:%d", realserver.Port(t)), "python3", "moved-shop.py")
		w.first("startup/port#it-listens-on-another-port")
	})
	for name, c := range map[string]struct{ line, cause string }{
		"a required setting is missing": {"pydantic_core.ValidationError: 1 validation error for Settings", "its-configuration-is-wrong-or-missing"},
		"its code raises":               {"Traceback (most recent call last):", "its-own-code-fails-while-it-starts"},
		"a module is missing":           {"ModuleNotFoundError: No module named 'shop'", "a-module-cannot-be-found"},
		"the command is wrong":          {`exec: "gunicron": executable file not found in $PATH`, "the-command-cannot-be-run"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "broken-shop")
			w.says(c.line)
			w.first("startup/start#" + c.cause)
		})
	}
	t.Run("files run out", func(t *testing.T) {
		w := newWorld(t, "greedy-shop")
		start(t, fmt.Sprintf("server 127.0.0.1:%d fds", w.port), "python3", "greedy-shop.py")
		w.first("startup/limits#the-service-runs-out-of-open-files")
	})
	t.Run("its process is paused", func(t *testing.T) {
		w := newWorld(t, "paused-shop")
		p := start(t, fmt.Sprintf("server 127.0.0.1:%d", w.port), "python3", "paused-shop.py")
		require.NoError(t, p.Signal(syscall.SIGSTOP))
		w.first("startup/deaths#its-process-is-paused")
	})
	t.Run("the master is stopped", func(t *testing.T) {
		w := newWorld(t, "headless-shop")
		p := start(t, fmt.Sprintf("pool 127.0.0.1:%d 3", w.port), "gunicorn", "-w", "3", "headless-shop:app")
		require.NoError(t, p.Signal(syscall.SIGSTOP))
		w.first("startup/deaths#the-master-does-not-look-after-its-workers")
	})
	t.Run("workers are ended for being silent", func(t *testing.T) {
		w := newWorld(t, "silent-shop")
		start(t, fmt.Sprintf("pool 127.0.0.1:%d 3", w.port), "gunicorn", "-w", "3", "silent-shop:app")
		w.says("[CRITICAL] WORKER TIMEOUT (pid:411)", "[CRITICAL] WORKER TIMEOUT (pid:412)")
		w.first("startup/deaths#workers-are-silent-for-too-long")
	})
}

// TestDiskFull runs before the tests that run side by side: all of them look at
// the disks of this machine.
func TestDiskFull(t *testing.T) {
	w := newWorld(t, "full-shop")
	dir := t.TempDir()
	if err := syscall.Mount("quell", dir, "tmpfs", 0, "size=100m"); err != nil {
		realserver.Missing(t, fmt.Sprintf("a tmpfs cannot be mounted here: %v", err))
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	_ = os.WriteFile(filepath.Join(dir, "big"), make([]byte, 110<<20), 0o600)
	start(t, fmt.Sprintf("server 127.0.0.1:%d", w.port), "python3", "full-shop.py")
	w.first("startup/limits#a-disk-is-full")
}

// certificate writes one that signs itself, and its key, and returns the files.
func certificate(t *testing.T, change func(*x509.Certificate)) map[string]string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(60 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if change != nil {
		change(c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	require.NoError(t, err)
	pkcs, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return map[string]string{
		"c.pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		"k.pem": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs})),
	}
}

func TestCertificateFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*x509.Certificate)
		trust  bool
		cause  string
	}{
		"good": {nil, true, ""},
		"expired": {func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(-90*24*time.Hour), time.Now().Add(-24*time.Hour)
		}, true, "the-certificate-has-expired"},
		"not yet valid": {func(c *x509.Certificate) { c.NotBefore = time.Now().Add(2 * time.Hour) }, true, "the-certificate-is-not-valid-yet"},
		"another name":  {func(c *x509.Certificate) { c.DNSNames = []string{"other.test"} }, true, "the-certificate-is-for-another-name"},
		"not trusted":   {nil, false, "the-authority-is-not-trusted"},
		"renewal overdue": {func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(-88*24*time.Hour), time.Now().Add(2*24*time.Hour)
		}, true, "the-certificate-should-have-been-renewed-by-now"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "secure-shop")
			n := realserver.StartNginx(t, `server { listen 127.0.0.1:PORT ssl; ssl_certificate DIR/c.pem; ssl_certificate_key DIR/k.pem; return 200; }`, certificate(t, c.change))
			w.url = fmt.Sprintf("https://localhost:%d", n.Port)
			if c.trust {
				ca := filepath.Join(n.Dir, "c.pem")
				w.target("cert", fmt.Sprintf(`{kind: tls, address: "127.0.0.1:%d", server_name: localhost, ca_file: %q}`, n.Port, ca))
				w.target("web", fmt.Sprintf(`{kind: http, url: "https://localhost:%d", address: "127.0.0.1:%d", ca_file: %q}`, n.Port, n.Port, ca))
			}
			if c.cause == "" {
				w.healthy()
				return
			}
			w.first("edge/tls#" + c.cause)
		})
	}
}

func TestNameFaults(t *testing.T) {
	t.Parallel()
	backend := newWorld(t, "named-backend")
	start(t, fmt.Sprintf("server 127.0.0.1:%d", backend.port), "python3", "named-shop.py")
	for name, c := range map[string]struct {
		lines  []string
		expect string
		cause  string
	}{
		"right":      {[]string{"address=/named-shop.test/127.0.0.1"}, `"127.0.0.1"`, ""},
		"gone":       {[]string{"local=/named-shop.test/"}, `"127.0.0.1"`, "the-record-is-missing"},
		"wrong":      {[]string{"address=/named-shop.test/127.0.0.9"}, `"127.0.0.1"`, "the-record-points-to-the-wrong-place"},
		"unanswered": {nil, `"127.0.0.1"`, "the-resolver-does-not-answer"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "named-shop")
			resolver := fmt.Sprintf("127.0.0.1:%d", realserver.Port(t)) // nobody there
			if c.lines != nil {
				resolver = realserver.StartDnsmasq(t, c.lines...).Address
			}
			w.port, w.url = backend.port, fmt.Sprintf("http://named-shop.test:%d", backend.port)
			w.target("name", fmt.Sprintf(`{kind: dns, name: named-shop.test, resolvers: [%q], authorities: [%q], expect: [%s], timeout: 500ms}`, resolver, resolver, c.expect))
			w.target("web", fmt.Sprintf(`{kind: http, url: %q, resolver: %q}`, w.url, resolver))
			w.target("port", fmt.Sprintf(`{kind: tcp, address: "127.0.0.1:%d"}`, backend.port))
			if c.cause == "" {
				w.healthy()
				return
			}
			w.first("edge/dns#" + c.cause)
		})
	}
}
