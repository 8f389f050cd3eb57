package cli_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// lokiServer answers as Loki's HTTP API documents it, with one line that says
// what it was asked, and by whom. What Loki makes of queries is tested in its
// connector; here it is the way there and back.
func lokiServer(t testing.TB) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		user, password, _ := r.BasicAuth()
		if r.Header.Get("X-Scope-OrgID") == "nobody" {
			http.Error(w, "no such tenant", http.StatusUnauthorized)
			return
		}
		query := r.Form.Get("query")
		var data any
		switch {
		case strings.HasSuffix(r.URL.Path, "/labels"):
			data = []string{"service"}
		case strings.HasSuffix(r.URL.Path, "/values"):
			data = []string{"api"}
		case strings.HasSuffix(r.URL.Path, "/series"):
			data = []map[string]string{{"service": "api"}}
		case strings.HasSuffix(r.URL.Path, "/query"):
			data = map[string]any{"resultType": "vector", "result": []any{
				map[string]any{"metric": map[string]string{"level": "error"}, "value": []any{1769860800, "7"}}}}
		case strings.Contains(query, "nothing"):
			data = map[string]any{"resultType": "streams", "result": []any{}}
		default:
			said := "asked " + query + " by " + r.Header.Get("X-Scope-OrgID") + "/" + user + "/" + strconv.Itoa(len(password)) + "/" + r.Header.Get("Authorization")[:min(6, len(r.Header.Get("Authorization")))]
			data = map[string]any{"resultType": "streams", "result": []any{
				map[string]any{"stream": map[string]string{"service": "api"}, "values": [][]string{{r.Form.Get("start"), said}}}}}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": data})
	}))
	t.Cleanup(server.Close)
	return server.URL
}
