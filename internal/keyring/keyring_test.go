package keyring_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/keyring"
)

func open(t *testing.T, dir string) *keyring.Ring {
	t.Helper()
	r, err := keyring.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// fresh is a directory that there is not yet: what the mask of the process
// makes of others is not ours to say.
func fresh(t *testing.T) string { return filepath.Join(t.TempDir(), "keys") }

func TestAKeyIsMadeOnceAndKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state", "keys")
	ring := open(t, dir)
	_, err := ring.Public("alice")
	require.ErrorIs(t, err, keyring.ErrNone)
	require.ErrorContains(t, err, "alice has no key here ("+dir)

	signer, err := ring.Signer("alice")
	require.NoError(t, err)
	again, err := open(t, dir).Signer("Alice")
	require.NoError(t, err)
	require.Equal(t, signer.Public(), again.Public(), "Alice and alice are one person")
	public, err := ring.Public("alice")
	require.NoError(t, err)
	require.Equal(t, signer.Public(), public)
	other, err := ring.Signer("bob")
	require.NoError(t, err)
	require.NotEqual(t, signer.Public(), other.Public())

	message := []byte("a word")
	signature, err := signer.Sign(nil, message, ed25519Options())
	require.NoError(t, err)
	require.True(t, ed25519.Verify(public, message, signature))

	mode(t, dir, 0o700)
	mode(t, filepath.Join(dir, "alice.key"), 0o600)
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, names, 2, "nothing else is left behind: %v", names)
}

func ed25519Options() *ed25519.Options { return &ed25519.Options{} }

func mode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, want, info.Mode().Perm(), path)
}

func TestManyMakeOneKeyAtOnce(t *testing.T) {
	t.Parallel()
	dir := fresh(t)
	keys := make([]any, 16)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			ring, err := keyring.Open(dir)
			if err != nil {
				return
			}
			defer func() { _ = ring.Close() }()
			if s, err := ring.Signer("alice"); err == nil {
				keys[i] = s.Public()
			}
		})
	}
	all.Wait()
	require.NotNil(t, keys[0])
	for _, k := range keys {
		require.Equal(t, keys[0], k)
	}
}

func TestAKeyCannotBePrinted(t *testing.T) {
	t.Parallel()
	s, err := open(t, fresh(t)).Signer("alice")
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		require.Equal(t, "•••", fmt.Sprintf(verb, s), verb)
	}
	data, err := json.Marshal(s)
	require.NoError(t, err)
	require.Equal(t, "{}", string(data))
}

// The key of RFC 8410, section 10.3, in the form in which openssl writes keys.
func TestAKeyMadeElsewhere(t *testing.T) {
	t.Parallel()
	dir := fresh(t)
	require.NoError(t, os.Mkdir(dir, 0o700))
	text := "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "alice.key"), []byte(text), 0o600))
	public, err := open(t, dir).Public("alice")
	require.NoError(t, err)
	require.Equal(t, "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=", base64.StdEncoding.EncodeToString(public))
}

func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(other)
	require.NoError(t, err)
	text := func(text string) func(string) error {
		return func(path string) error { return os.WriteFile(path, []byte(text), 0o600) }
	}
	for name, c := range map[string]struct {
		make func(path string) error
		want string
	}{
		"others may read it":  {func(p string) error { return os.Chmod(p, 0o644) }, "others may read or write it (0644): chmod 600"},
		"a group may read it": {func(p string) error { return os.Chmod(p, 0o640) }, "others may read or write it (0640)"},
		"others may write it": {func(p string) error { return os.Chmod(p, 0o602) }, "others may read or write it (0602)"},
		"an empty file":       {text(""), "it holds no key"},
		"a torn file":         {func(p string) error { return os.Truncate(p, 60) }, "it holds no key"},
		"rubbish in PEM":      {text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "it holds no key that can be read"},
		"an endless file":     {text(strings.Repeat("x", 1<<20)), "it holds no key"},
		"a key of another kind": {
			text(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))), "it holds a *ecdsa.PrivateKey, and only ed25519 keys sign approvals",
		},
		"a link":                    {func(p string) error { _ = os.Rename(p, p+".old"); return os.Symlink("alice.key.old", p) }, "it is no plain file"},
		"a pipe that nobody writes": {func(p string) error { _ = os.Remove(p); return syscall.Mkfifo(p, 0o600) }, "it is no plain file"},
		"a directory":               {func(p string) error { _ = os.Remove(p); return os.Mkdir(p, 0o700) }, "it is no plain file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ring, path := openWithKey(t)
			require.NoError(t, c.make(path))
			_, err := ring.Public("alice")
			require.ErrorContains(t, err, "read the key of alice: "+path+": "+c.want)
			require.NotErrorIs(t, err, keyring.ErrNone)
			before, _ := os.ReadFile(path + ".old")
			_, err = ring.Signer("alice")
			require.ErrorContains(t, err, c.want, "a key that is refused is not replaced")
			after, _ := os.ReadFile(path + ".old")
			require.Equal(t, before, after)
		})
	}
}

func openWithKey(t *testing.T) (*keyring.Ring, string) {
	t.Helper()
	dir := fresh(t)
	ring := open(t, dir)
	_, err := ring.Signer("alice")
	require.NoError(t, err)
	return ring, filepath.Join(dir, "alice.key")
}

func TestDirectoriesThatAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o770))
	_, err := keyring.Open(dir)
	require.ErrorContains(t, err, "others may write into it: chmod 700 "+dir)
	plain := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(plain, nil, 0o600))
	_, err = keyring.Open(plain)
	require.Error(t, err)
}

func TestNamesThatLeadElsewhere(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	dir := filepath.Join(outside, "keys")
	ring := open(t, dir)
	for _, name := range []string{"", "..", "../mallory", "/etc/passwd", "a/b", "a\x00b", ".hidden"} {
		_, err := ring.Signer(name)
		require.ErrorContains(t, err, "is no name of a person", "%q", name)
		_, err = ring.Public(name)
		require.ErrorContains(t, err, "is no name of a person", "%q", name)
	}
	left, err := os.ReadDir(outside)
	require.NoError(t, err)
	require.Len(t, left, 1)
}
