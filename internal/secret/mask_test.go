package secret_test

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/secret"
)

// keyed redacts with a key, so that masks can be told apart.
func keyed(t *testing.T, rules ...string) *secret.Redactor {
	t.Helper()
	m := secret.Masking{Key: []byte("the key of one store"), Known: []secret.String{secret.New("s3cr3t/known")}}
	for _, rule := range rules {
		require.NoError(t, m.Rule(rule))
	}
	return m.Redactor()
}

var maskShape = regexp.MustCompile(`•••[0-9a-f]{6}`)

// masks returns the masks of a text, which must be as many as asked for.
func masks(t *testing.T, r *secret.Redactor, text string, n int) []string {
	t.Helper()
	list := maskShape.FindAllString(r.Text(text), -1)
	require.Len(t, list, n, "%s became %s", text, r.Text(text))
	return list
}

func TestTheSameSecretGetsTheSameMask(t *testing.T) {
	t.Parallel()
	r := keyed(t)
	for about, text := range map[string]string{
		"by its name, and in an address":         "password=pa55word postgres://app:pa55word@db/x",
		"escaped in an address, and quoted":      `postgres://app:p%40ss%2Fw@db/x {"password":"p@ss/w"}`,
		"quoted with escapes, and plainly":       `{"password":"a\"b"} MYSQL_PWD=x {"pwd":"a\"b"}`,
		"by its shape, and by its name":          "bearer of glpat-abcdefgh12345678ijkl, token=glpat-abcdefgh12345678ijkl",
		"known, by its name, in base64":          "s3cr3t/known password=s3cr3t/known czNjcjN0L2tub3du s3cr3t%2Fknown",
		"the same address of a person two times": "from bob@example.com to bob@example.com",
	} {
		found := maskShape.FindAllString(r.Text(text), -1)
		require.GreaterOrEqual(t, len(found), 2, "%s: %s", about, r.Text(text))
		require.Equal(t, found[0], found[len(found)-1], "%s: %s", about, r.Text(text))
	}
}

func TestOtherSecretsAndOtherStoresGetOtherMasks(t *testing.T) {
	t.Parallel()
	two := masks(t, keyed(t), "password=one1 token=two222", 2)
	require.NotEqual(t, two[0], two[1])
	other := secret.Masking{Key: []byte("the key of another store")}.Redactor()
	require.NotEqual(t, two, masks(t, other, "password=one1 token=two222", 2))
}

func TestWithoutAKeyAllMasksAreAlike(t *testing.T) {
	t.Parallel()
	require.Equal(t, "password=••• token=•••", secret.NewRedactor().Text("password=one1 token=two222"))
}

func TestAMaskIsNotMaskedAgain(t *testing.T) {
	t.Parallel()
	r := keyed(t, `user=(\w+)`, `tenant \S+`)
	for _, text := range []string{
		"password=hunter2 user=bob tenant t-1", "postgres://u:p@h/x?password=hunter2", `{"password":"hunter2","user=bob":1}`, "a s3cr3t/known b",
	} {
		once := r.Text(text)
		require.NotEqual(t, text, once)
		require.Equal(t, once, r.Text(once))
		require.Equal(t, once, secret.NewRedactor().Text(once), "a redactor without the key")
	}
}

// The mask is outside of ASCII, so that addresses are IRIs (RFC 3987): those
// that are mapped as it says, by escaping, have the same parts as before.
func TestAddressesStayAddresses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"postgres://app:pa55@db.internal:5432/orders?sslmode=require", "redis://:pa55@cache:6379/0", "https://h.example/x?token=abcdef123&page=2#top",
		"https://hooks.slack.com/services/T012345/B012345/abcdef1234567890", "amqp://u:p%40ss@mq:5672/%2Fjobs", "mongodb+srv://u:p4ss@c.example.net/app",
	} {
		before, err := url.Parse(address)
		require.NoError(t, err)
		masked := keyed(t).Text(address)
		require.NotEqual(t, address, masked)
		after, err := url.Parse(strings.ReplaceAll(masked, secret.Placeholder, url.PathEscape(secret.Placeholder)))
		require.NoError(t, err, masked)
		require.Equal(t, []string{before.Scheme, before.Host, before.User.Username(), before.Fragment}, []string{after.Scheme, after.Host, after.User.Username(), after.Fragment})
		for name := range before.Query() {
			require.Contains(t, after.Query(), name)
		}
	}
}

func TestTheKeyOfMasksIsMadeOnceAndKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state", "mask.key")
	keys := make([][]byte, 8)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			key, err := secret.ReadKey(path)
			if err == nil {
				keys[i] = key
			}
		})
	}
	wg.Wait()
	for _, key := range keys {
		require.Len(t, key, 32)
		require.Equal(t, keys[0], key)
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1, "files of those that came second are left")
}

func TestAFileThatIsNoKeyIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mask.key")
	require.NoError(t, os.WriteFile(path, []byte("abc"), 0o600))
	_, err := secret.ReadKey(path)
	require.ErrorContains(t, err, "holds no key of 32 bytes")
}
