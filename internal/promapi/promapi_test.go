package promapi_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/promapi"
	"github.com/quellhq/quell/internal/secret"
)

func client(t *testing.T, s promapi.Settings, tools connector.Tools) *promapi.Client {
	t.Helper()
	c, err := promapi.New("Test", s, tools)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func status(t *testing.T, err error) evidence.Answer {
	t.Helper()
	var failure *promapi.Failure
	require.ErrorAs(t, err, &failure)
	return failure.Answer()
}

func TestALongQueryGoesAsAForm(t *testing.T) {
	var method string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method = r.Method
		_, _ = fmt.Fprintf(w, `{"status":"success","data":%d,"warnings":["w"],"infos":["i"]}`, len(r.FormValue("query")))
	}))
	defer server.Close()
	c := client(t, promapi.Settings{URL: secret.New(server.URL)}, connector.Tools{})
	for length, want := range map[int]string{10: "GET", 10_000: "POST"} {
		reply, err := c.Get(context.Background(), "/x", url.Values{"query": {strings.Repeat("a", length)}})
		require.NoError(t, err)
		require.Equal(t, want, method)
		require.Equal(t, fmt.Sprint(length), string(reply.Data))
		require.Equal(t, []string{"w", "i"}, reply.Notes)
		require.True(t, reply.Timed)
		require.Less(t, reply.Offset.Abs(), 3*time.Second)
	}
}

func TestTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"status":"success","data":1}`)
	}))
	defer server.Close()
	dir := t.TempDir()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ca.pem"), text, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "not.pem"), []byte("x"), 0o600))

	_, err := client(t, promapi.Settings{URL: secret.New(server.URL)}, connector.Tools{}).Get(context.Background(), "/x", nil)
	require.Equal(t, evidence.Unreachable, status(t, err).Status)
	require.Contains(t, err.Error(), "certificate")
	for _, access := range []promapi.Access{{CA: "ca.pem"}, {Insecure: true}} {
		_, err = client(t, promapi.Settings{URL: secret.New(server.URL), Access: access}, connector.Tools{Dir: dir}).Get(context.Background(), "/x", nil)
		require.NoError(t, err)
	}
	_, err = promapi.New("Test", promapi.Settings{URL: secret.New(server.URL), Access: promapi.Access{CA: "not.pem"}}, connector.Tools{Dir: dir})
	require.ErrorContains(t, err, "no PEM certificate")
}

// A secret that the server repeats does not come through.
func TestAnErrorShowsNoSecret(t *testing.T) {
	const token = "very-secret-token"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "bad header "+r.Header.Get("Authorization"), http.StatusInternalServerError)
	}))
	defer server.Close()
	c := client(t, promapi.Settings{URL: secret.New(server.URL), Access: promapi.Access{Bearer: secret.New(token)}},
		connector.Tools{Redact: secret.NewRedactor(secret.New(token))})
	_, err := c.Get(context.Background(), "/x", nil)
	require.Contains(t, status(t, err).Reason, "bad header")
	require.NotContains(t, err.Error(), token)
}

func TestListsAreKept(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = fmt.Fprint(w, `{"status":"success","data":["a","b"]}`)
	}))
	defer server.Close()
	now := time.Unix(1_700_000_000, 0)
	lists := &promapi.Lists{Client: client(t, promapi.Settings{URL: secret.New(server.URL)}, connector.Tools{}), Now: func() time.Time { return now }}
	get := func(path string) {
		list, err := lists.Get(context.Background(), path, url.Values{}, func(p url.Values, at time.Time) { p.Set("end", at.String()) })
		require.NoError(t, err)
		require.Equal(t, []string{"a", "b"}, list)
	}
	get("/a")
	get("/a")
	require.Equal(t, 1, asked)
	get("/b")
	require.Equal(t, 2, asked)
	now = now.Add(time.Minute)
	get("/a")
	require.Equal(t, 3, asked)
}

func TestReadList(t *testing.T) {
	for text, want := range map[string][]string{`["a"]`: {"a"}, `null`: nil, `{"status":"success"}`: nil} {
		list, err := promapi.ReadList(promapi.Reply{Data: json.RawMessage(text)})
		require.NoError(t, err, text)
		require.Equal(t, want, list, text)
	}
	_, err := promapi.ReadList(promapi.Reply{Data: json.RawMessage(`{"a":1}`)})
	require.Error(t, err)
}

func TestStreams(t *testing.T) {
	read := func(text string) ([]evidence.Stream, error) {
		var r promapi.Result
		require.NoError(t, json.Unmarshal([]byte(text), &r))
		return r.Streams()
	}
	s, err := read(`{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1.5,"2"],[2.5,"+Inf"]]},{"metric":{},"values":[]}]}`)
	require.NoError(t, err)
	require.Equal(t, []evidence.Stream{{Labels: map[string]string{"a": "b"}, Points: []evidence.Point{{T: 1.5, V: 2}, {T: 2.5, V: math.Inf(1)}}}}, s)
	s, err = read(`{"resultType":"scalar","result":[1,"3"]}`)
	require.NoError(t, err)
	require.Equal(t, []evidence.Stream{{Labels: map[string]string{}, Points: []evidence.Point{{T: 1, V: 3}}}}, s)
	for _, text := range []string{
		`{"resultType":"string","result":[1,"x"]}`, `{"resultType":"vector","result":[{"value":[1]}]}`,
		`{"resultType":"vector","result":[{"value":[1,2]}]}`, `{"resultType":"vector","result":[{"value":[1,"x"]}]}`, `{"resultType":"vector","result":{}}`,
	} {
		_, err := read(text)
		require.Error(t, err, text)
	}
}
