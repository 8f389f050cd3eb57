package redis_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

// Each way in which a server can turn a client away, against the real thing:
// the kind that redis.connect says, and the status of any other question.
func TestEachRefusalHasItsOwnKind(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		url    func(t *testing.T) string
		kind   string
		phase  string
		status evidence.Status
		up     any
	}{
		"nothing listens": {kind: "refused", phase: "connect", status: evidence.Unreachable, up: false,
			url: func(t *testing.T) string { return "redis://127.0.5.1:" + strconv.Itoa(realserver.Port(t)) }},
		"the name does not exist": {kind: "no such host", phase: "connect", status: evidence.Unreachable, up: false,
			url: func(*testing.T) string { return "redis://cache.invalid:6379" }},
		"the socket does not exist": {kind: "no such socket", phase: "connect", status: evidence.Unreachable, up: false,
			url: func(t *testing.T) string { return "unix://" + t.TempDir() + "/redis.sock" }},
		"no password was sent": {kind: "NOAUTH", phase: "ping", status: evidence.Denied, up: true,
			url: func(t *testing.T) string { return realserver.Redis(t, "--requirepass", "geheim-1").URL() }},
		"the wrong password was sent": {kind: "WRONGPASS", phase: "auth", status: evidence.Denied, up: true,
			url: func(t *testing.T) string {
				return "redis://:falsch-1@" + realserver.Redis(t, "--requirepass", "geheim-1").Addr()
			}},
		"an unknown user": {kind: "WRONGPASS", phase: "auth", status: evidence.Denied, up: true,
			url: func(t *testing.T) string { return "redis://nobody:falsch-1@" + realserver.Redis(t).Addr() }},
		"the server is full": {kind: "max clients", phase: "ping", status: evidence.Denied, up: true,
			url: func(t *testing.T) string {
				s := realserver.Redis(t, "--maxclients", "3")
				for range 3 {
					conn, err := net.Dial("tcp", s.Addr())
					require.NoError(t, err)
					t.Cleanup(func() { _ = conn.Close() })
				}
				return s.URL()
			}},
		"the server is frozen": {kind: "timeout", phase: "ping", status: evidence.TimedOut, up: nil,
			url: func(t *testing.T) string { s := realserver.Redis(t); s.Freeze(t); return s.URL() }},
		"TLS on a server without": {kind: "TLS mismatch", phase: "tls", status: evidence.Unreachable, up: true,
			url: func(t *testing.T) string { return "rediss://" + realserver.Redis(t).Addr() }},
		"plain text on a server with TLS": {kind: "TLS mismatch", status: evidence.Unreachable, up: false,
			url: func(t *testing.T) string { return "redis://" + tlsRedis(t).Addr() }},
		"a certificate that nobody knows": {kind: "TLS certificate", phase: "tls", status: evidence.Unreachable, up: false,
			url: func(t *testing.T) string { return "rediss://" + tlsRedis(t).Addr() }},
		"a web server": {kind: "not redis", phase: "ping", status: evidence.Unreachable, up: false,
			url: func(t *testing.T) string {
				s := httptest.NewServer(http.NotFoundHandler())
				t.Cleanup(s.Close)
				return strings.Replace(s.URL, "http://", "redis://", 1)
			}},
		"no such database": {kind: "no such database", phase: "select", status: evidence.Invalid, up: true,
			url: func(t *testing.T) string { return "redis://" + realserver.Redis(t).Addr() + "/99" }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := open(t, connector.Settings{"url": test.url(t), "connect_within": "1500ms"})
			kind, v := connect(t, target)
			require.Equal(t, test.kind, kind, "%v", v)
			require.Equal(t, test.up, v["up"], "up")
			require.Equal(t, false, v["ok"])
			require.NotEmpty(t, v["message"])
			if test.phase != "" {
				require.Equal(t, test.phase, v["phase"])
			}
			a := ask(t, target, "redis.info", nil)
			require.Equal(t, test.status, a.Status, a.Reason)
			require.NotEmpty(t, a.Reason)
			require.NotContains(t, a.Reason+a.Hint+v["message"].(string), "falsch")
		})
	}
}

// States in which the server lets us in and still does not serve everyone.
func TestStatesBehindTheDoor(t *testing.T) {
	t.Parallel()
	t.Run("writes are stopped after a failed save", func(t *testing.T) {
		t.Parallel()
		s := realserver.Redis(t, "--save", "3600 1")
		breakSaving(t, s)
		kind, v := connect(t, openURL(t, s.URL()))
		require.Equal(t, "MISCONF", kind, "%v", v)
		require.Equal(t, true, v["up"])
		p := object(t, openURL(t, s.URL()), "redis.persistence")
		require.Equal(t, true, p["writes_stopped"])
		require.Equal(t, false, p["rdb_ok"])
	})
	t.Run("we are in, and there is no place for the next", func(t *testing.T) {
		t.Parallel()
		s := realserver.Redis(t, "--maxclients", "4")
		target := openURL(t, s.URL())
		kind, _ := connect(t, target)
		require.Equal(t, "ok", kind)
		for range 3 { // with our own connection all places are taken
			conn, err := net.Dial("tcp", s.Addr())
			require.NoError(t, err)
			t.Cleanup(func() { _ = conn.Close() })
		}
		kind, v := connect(t, target)
		require.Equal(t, "max clients", kind, "%v", v)
		require.Equal(t, false, v["ok"])
		require.Equal(t, true, v["up"])
	})
	t.Run("a replica without its master", func(t *testing.T) {
		t.Parallel()
		s := realserver.Redis(t, "--replicaof", "127.0.0.1 1", "--replica-serve-stale-data", "no")
		target := openURL(t, s.URL())
		kind, _ := connect(t, target)
		require.Equal(t, "MASTERDOWN", kind)
		r := object(t, target, "redis.replication")
		require.Equal(t, "slave", r["role"])
		require.Equal(t, false, r["link_up"])
		a := fence(t, target, "GET x", nil)
		require.Equal(t, evidence.Unreachable, a.Status)
		require.Contains(t, a.Reason, "MASTERDOWN")
	})
}

// breakSaving makes a snapshot fail: its place is taken by a directory.
func breakSaving(t *testing.T, s *realserver.RedisServer) {
	t.Helper()
	c := client(t, s)
	require.NoError(t, os.MkdirAll(filepath.Join(s.Dir, "dump.rdb", "taken"), 0o755))
	run(t, c, "SET a 1")
	run(t, c, "BGSAVE")
	realserver.WaitFor(t, "a failed save", 5*time.Second, s.Log, func() error {
		if strings.Contains(c.Info(context.Background(), "persistence").Val(), "rdb_last_bgsave_status:err") {
			return nil
		}
		return os.ErrNotExist
	})
}

func TestABusyScriptIsTold(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t, "--busy-reply-threshold", "100")
	c := client(t, s)
	done := make(chan struct{})
	go func() { defer close(done); c.Do(context.Background(), "EVAL", "while true do end", 0) }()
	t.Cleanup(func() { client(t, s).Do(context.Background(), "SCRIPT", "KILL"); <-done })
	realserver.WaitFor(t, "a busy server", 5*time.Second, s.Log, func() error {
		err := client(t, s).Ping(context.Background()).Err()
		if err != nil && strings.HasPrefix(err.Error(), "BUSY") {
			return nil
		}
		return os.ErrNotExist
	})
	kind, v := connect(t, openURL(t, s.URL()))
	require.Equal(t, "BUSY", kind)
	require.Equal(t, true, v["up"])
}

func TestAServerThatDiesHalfWay(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	target := openURL(t, s.URL())
	kind, _ := connect(t, target)
	require.Equal(t, "ok", kind)
	s.Kill()
	a := ask(t, target, "redis.info", nil)
	require.Equal(t, evidence.Unreachable, a.Status, a.Reason)
	require.Contains(t, a.Reason, "broke")
	kind, _ = connect(t, target)
	require.Equal(t, "refused", kind)
}

// A server that freezes after we are in: the question ends with its deadline,
// and those behind it do not each wait again.
func TestAFrozenServerCostsOneWait(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	target := open(t, connector.Settings{"url": s.URL(), "connect_within": "500ms"})
	connect(t, target)
	s.Freeze(t)
	ctx := within(t, 300*time.Millisecond)
	a := target.Ask(ctx, probe.Question{Lang: "probe", Builtin: "redis.info"})
	require.Equal(t, evidence.TimedOut, a.Status, a.Reason)
	start := time.Now()
	for range 5 {
		a = ask(t, target, "redis.info", nil)
		require.Equal(t, evidence.TimedOut, a.Status, a.Reason)
	}
	require.Less(t, time.Since(start), 2*time.Second)
}

func TestAWrongPortFindsTheServerNearby(t *testing.T) {
	t.Parallel()
	s := realserver.RedisWith(t, realserver.RedisOptions{Host: "127.0.5.2"})
	other := openURL(t, "redis://127.0.5.2:"+strconv.Itoa(realserver.Port(t)))
	kind, v := connect(t, other)
	require.Equal(t, "refused", kind)
	require.Equal(t, []any{s.Addr()}, v["nearby"])
}

// A user who may do little: each question says which grant it lacks.
func TestDeniedNamesTheGrant(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	run(t, client(t, s), "ACL SETUSER app on >geheim-2 ~app:* +ping +get +info")
	target := open(t, connector.Settings{"url": s.URL(), "username": "app", "password": "geheim-2"})
	kind, _ := connect(t, target)
	require.Equal(t, "ok", kind)
	for name, grant := range map[string]string{
		"redis.slowlog": "ACL SETUSER app +slowlog|get", "redis.latency": "ACL SETUSER app +latency|latest",
		"redis.clients": "ACL SETUSER app +client|list", "redis.config": "ACL SETUSER app +config|get", "redis.keys": "ACL SETUSER app +scan",
	} {
		a := ask(t, target, name, nil)
		require.Equal(t, evidence.Denied, a.Status, name)
		require.Equal(t, grant, a.Hint, name)
	}
	require.Equal(t, evidence.Answered, ask(t, target, "redis.memory", nil).Status)
	a := fence(t, target, "GET other:1", nil)
	require.Equal(t, evidence.Denied, a.Status)
}

func TestTLSAndSocketsWork(t *testing.T) {
	t.Parallel()
	s := tlsRedis(t)
	kind, v := connect(t, open(t, connector.Settings{"url": "rediss://" + s.Addr(), "ca_file": filepath.Join(s.Dir, "cert.pem")}))
	require.Equal(t, "ok", kind, "%v", v)
	require.Equal(t, true, v["tls"])
	u := realserver.Redis(t, "--unixsocket", filepath.Join(t.TempDir(), "r.sock"))
	path := run(t, client(t, u), "CONFIG GET unixsocket").([]any)[1].(string)
	kind, v = connect(t, openURL(t, "unix://"+path+"?db=3"))
	require.Equal(t, "ok", kind, "%v", v)
}

func tlsRedis(t *testing.T) *realserver.RedisServer {
	t.Helper()
	dir, port := realserver.TempDir(t, ""), realserver.Port(t)
	writeCertificate(t, dir)
	s := realserver.RedisWith(t, realserver.RedisOptions{Dir: dir, NoWait: true, Args: []string{
		"--port", "0", "--tls-port", strconv.Itoa(port), "--tls-cert-file", dir + "/cert.pem", "--tls-key-file", dir + "/key.pem",
		"--tls-ca-cert-file", dir + "/cert.pem", "--tls-auth-clients", "no"}})
	s.Port = port
	realserver.WaitFor(t, "redis-server with TLS", 5*time.Second, s.Log, func() error {
		conn, err := net.Dial("tcp", s.Addr())
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
	return s
}

func writeCertificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redis"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &key.PublicKey, key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	for file, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o644))
	}
}
