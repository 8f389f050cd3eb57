package nginx_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/nginx"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

func TestReload(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	require.NoError(t, os.WriteFile(filepath.Join(s.Dir, "snippets/new.conf"), []byte(fmt.Sprintf("server { listen 127.0.0.1:%d; server_name new.test; return 200 new; }", s.Port)), 0o644))
	actiontest.Run(t, actiontest.Case{
		Spec: spec(t, "nginx.reload"), Args: map[string]any{},
		Open: s.changer, Effects: s.loads, Gone: s.gone, Settles: 5 * time.Second,
		// A reload changes no file: what it changes is who serves.
		World: func(t *testing.T) string { return fmt.Sprint(s.world(t), s.loads(t)) },
	})
}

func TestABrokenConfigurationIsNotLoaded(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	d := s.doer(t, "nginx.reload")
	ch := action.Change{Type: "nginx.reload", Args: action.Args{}}
	o := order(t, d, ch)
	require.NoError(t, os.WriteFile(filepath.Join(s.Dir, "snippets/bad.conf"), []byte("no_such_thing;"), 0o644))
	_, err := d.Preview(t.Context(), ch)
	var refusal *action.Refusal
	require.ErrorAs(t, err, &refusal)
	require.ErrorContains(t, err, "no_such_thing")
	_, err = d.Apply(t.Context(), o)
	notMade(t, err)
	require.Zero(t, s.loads(t))
}

func TestWhatIsLoadedAlreadyIsNotLoadedAgain(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	long := time.Now().Add(-time.Hour)
	for _, name := range []string{"nginx.conf", "sites-available/shop.conf"} {
		require.NoError(t, os.Chtimes(filepath.Join(s.Dir, name), long, long))
	}
	d := s.doer(t, "nginx.reload")
	ch := action.Change{Type: "nginx.reload", Args: action.Args{}}
	p, err := d.Preview(t.Context(), ch)
	require.NoError(t, err)
	require.True(t, p.Already, p.Warnings)
	require.Equal(t, "no file of the configuration was changed since it was last loaded", p.Summary)

	// A name may have got another address meanwhile.
	named := filepath.Join(s.Dir, "snippets/named.conf")
	require.NoError(t, os.WriteFile(named, []byte("upstream named { server localhost:1; }"), 0o644))
	require.NoError(t, os.Chtimes(named, long, long))
	p, err = d.Preview(t.Context(), ch)
	require.NoError(t, err)
	require.False(t, p.Already)
	require.Contains(t, p.Warnings[0], "only names of servers are looked up again")
}

// certificate writes a certificate of its own and its key.
func certificate(t *testing.T, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &key.PublicKey, key)
	require.NoError(t, err)
	secret, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret}), 0o600))
}

// A renewed certificate is no file of the configuration, and nginx reads it when
// it loads that.
func TestARenewedCertificateIsWorthAReload(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	cert, key, conf := filepath.Join(s.Dir, "site.pem"), filepath.Join(s.Dir, "site.key"), filepath.Join(s.Dir, "snippets/tls.conf")
	certificate(t, cert, key)
	require.NoError(t, os.WriteFile(conf, []byte(fmt.Sprintf("server { listen 127.0.0.1:%d ssl; ssl_certificate site.pem; ssl_certificate_key %s; }", realserver.Port(t), key)), 0o644))
	long := time.Now().Add(-time.Hour)
	for _, file := range []string{cert, key, conf, filepath.Join(s.Dir, "nginx.conf"), filepath.Join(s.Dir, "sites-available/shop.conf")} {
		require.NoError(t, os.Chtimes(file, long, long))
	}
	d := s.doer(t, "nginx.reload")
	ch := action.Change{Type: "nginx.reload", Args: action.Args{}}
	p, err := d.Preview(t.Context(), ch)
	require.NoError(t, err)
	require.True(t, p.Already, p.Warnings)

	certificate(t, cert, key)
	p, err = d.Preview(t.Context(), ch)
	require.NoError(t, err)
	require.False(t, p.Already)
	require.Equal(t, []string{cert + " was changed since it was last loaded", key + " was changed since it was last loaded"}, p.Warnings)
}

func ask(t *testing.T, settings connector.Settings) map[string]any {
	t.Helper()
	a := open(t, settings).Ask(t.Context(), probe.Question{Lang: "probe", Builtin: "nginx.config"})
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	v := a.Value.(map[string]any)
	var want, got []string
	for _, f := range nginx.Kind().Probes[0].Fields {
		want = append(want, f.Name)
	}
	for k := range v {
		got = append(got, k)
	}
	require.ElementsMatch(t, want, got)
	return v
}

func TestConfigQuestion(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	v := ask(t, s.settings())
	require.Equal(t, true, v["ok"], v["error"])
	require.Equal(t, true, v["running"], v["not_running"])
	require.Equal(t, int64(1), v["workers"])
	require.Contains(t, v["version"], "nginx/")
	shop := v["upstreams"].([]any)[0].(map[string]any)
	require.Equal(t, "shop", shop["name"])
	require.Equal(t, s.shopFile(), shop["file"])
	require.Equal(t, int64(2), shop["line"])
	require.Equal(t, int64(2), shop["up"])
	require.Equal(t, []any{
		map[string]any{"address": s.a, "down": false, "backup": false, "weight": int64(5), "max_fails": "1", "fail_timeout": "10s"},
		map[string]any{"address": s.b, "down": false, "backup": false, "weight": int64(1), "max_fails": "3", "fail_timeout": "5s"},
		map[string]any{"address": s.c, "down": true, "backup": false, "weight": int64(1), "max_fails": "1", "fail_timeout": "10s"},
	}, shop["servers"])

	added := filepath.Join(s.Dir, "snippets/bad.conf")
	eventually(t, "a file that was changed and not loaded is seen", func() bool {
		require.NoError(t, os.WriteFile(added, []byte("server_name x;"), 0o644))
		v = ask(t, s.settings())
		return strings.Contains(fmt.Sprint(v["changed_since"]), added)
	})
	require.Equal(t, false, v["ok"])
	require.Contains(t, v["error"], added+":1")

	require.NoError(t, os.WriteFile(added, []byte("server {"), 0o644))
	v = ask(t, s.settings())
	require.Equal(t, false, v["ok"])
	require.Contains(t, v["error"], added)
	require.NoError(t, os.Remove(added))
	require.NoError(t, os.Remove(s.Dir+"/pid"))
	v = ask(t, s.settings())
	require.Equal(t, false, v["running"])
	require.NotEmpty(t, v["not_running"])

	settings := s.settings()
	settings["conf"] = "/nowhere/nginx.conf"
	require.Equal(t, evidence.Unreachable, open(t, settings).Ask(t.Context(), probe.Question{Builtin: "nginx.config"}).Status)
	require.Equal(t, evidence.NotApplicable, open(t, settings).Ask(t.Context(), probe.Question{Builtin: "nginx.other"}).Status)
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	bad := func(settings connector.Settings) string {
		var out []string
		for _, c := range open(t, settings).(connector.Examiner).Examine(t.Context()) {
			if !c.OK {
				out = append(out, c.Name)
				require.NotEmpty(t, c.Fix)
			}
		}
		return strings.Join(out, ", ")
	}
	require.Empty(t, bad(s.settings()))
	settings := s.settings()
	settings["snippets"], settings["pidfile"] = s.Dir+"/elsewhere", "/nowhere/pid"
	require.Equal(t, "finds the master, includes the snippets", bad(settings))
	settings["conf"] = "/nowhere/nginx.conf"
	require.Equal(t, "reads the configuration", bad(settings))
}
