package auth_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql/auth"
)

const second = int64(1e9)

func tallied(lines map[string]int64, split int64) auth.Report {
	t := auth.NewTally(split)
	for text, at := range lines {
		t.Add(line(at, text))
	}
	return t.Report(1, 3600*second)
}

func TestAnAttemptThatSeveralLinesTellCountsOnce(t *testing.T) {
	t.Parallel()
	r := tallied(map[string]int64{
		`{"message":"login failed","reason":"wrong password","user_id":"7","request_id":"a"}`: 3000 * second,
		`{"message":"authentication failed","user_id":"7","request_id":"a"}`:                  3000*second + 1,
		`203.0.113.9 - - [28/Nov/2026:23:00:00 +0000] "POST /login HTTP/1.1" 401 12`:          3000*second + second/2,
	}, 1800*second)
	require.Equal(t, 1, r.Failures)
	require.Equal(t, 1, r.Now[auth.Password])
	require.Equal(t, "203.0.113.9", r.Sources[0].IP, "the access log knows the address")
}

func TestLoginsThatDoNotLast(t *testing.T) {
	t.Parallel()
	tally := auth.NewTally(1800 * second)
	for i := range int64(10) {
		for _, at := range []int64{2000, 2100} {
			tally.Add(line((at+i)*second, fmt.Sprintf(`{"message":"login ok","user_id":"u%d"}`, i)))
			tally.Add(line((at+i+60)*second, fmt.Sprintf(`{"message":"token expired","user_id":"u%d"}`, i)))
		}
	}
	r := tally.Report(1, 3600*second)
	require.Len(t, r.Relogins, 10)
	require.Equal(t, 100.0, r.Relogins[0])
	require.Len(t, r.Lived, 20)
	require.Equal(t, 60.0, r.Lived[0])
	require.Equal(t, 1.0, r.KnownShare)
}

func TestOneAddressWithManyUsers(t *testing.T) {
	t.Parallel()
	tally := auth.NewTally(1800 * second)
	for i := range int64(40) {
		tally.Add(line((2000+i)*second, fmt.Sprintf(`login failed for user u%d from 203.0.113.9: wrong password`, i)))
		tally.Add(line((2000+i)*second, fmt.Sprintf(`user v%d logged in from 198.51.100.%d`, i, i)))
	}
	tally.Add(line(2100*second, `user u17 logged in from 203.0.113.9`))
	r := tally.Report(1, 3600*second)
	require.Equal(t, 40, r.Sources[0].Failures)
	require.Equal(t, 40, r.Sources[0].Users)
	require.Equal(t, 40, r.Sources[0].Most)
	require.Equal(t, []auth.BreakIn{{IP: "203.0.113.9", User: "u17", At: 2100 * second, Failures: 40}}, r.BrokeIn)
}

func TestTheAnswerDependsOnWhoGivesIt(t *testing.T) {
	t.Parallel()
	tally := auth.NewTally(1800 * second)
	for i := range int64(40) {
		status, message := 200, "request"
		if i%2 == 1 {
			status, message = 401, "session not found"
		}
		tally.Add(line((2000+i)*second, fmt.Sprintf(`{"message":%q,"path":"/cart","session_id":"s%d","status_code":%d,"pid":%d}`, message, i/2%5, status, i%2)))
	}
	r := tally.Report(1, 3600*second)
	require.True(t, r.Named)
	require.Equal(t, 5, r.Flipped)
	require.Len(t, r.Instances, 2)
}

// A form that is refused comes back with 200; where nobody is sent on, 200 lets in.
func TestFormsThatComeBack(t *testing.T) {
	t.Parallel()
	post := func(ip, path string, status int) string {
		return fmt.Sprintf(`%s - - [28/Nov/2026:23:00:00 +0000] "POST %s HTTP/1.1" %d 12 "-" "curl"`, ip, path, status)
	}
	for sent, want := range map[int]auth.Outcome{302: auth.Refused, 200: auth.In} {
		tally := auth.NewTally(1800 * second)
		for i := range int64(30) {
			tally.Add(line((2000+10*i)*second, post("203.0.113.9", "/accounts/login/?next=/", 200)))
		}
		tally.Add(line(2005*second, post("198.51.100.4", "/accounts/login/", sent)))
		tally.Add(line(2006*second, post("198.51.100.5", "/oauth/token", 302)))
		r := tally.Report(1, 3600*second)
		failures, logins := 0, 32
		if want == auth.Refused {
			failures, logins = 30, 2
		}
		require.Equal(t, failures, r.Failures, sent)
		require.Equal(t, logins, r.Logins, sent)
	}
}

// Behind a proxy everybody has its address: what else comes from there tells.
func TestWhatElseComesFromAnAddress(t *testing.T) {
	t.Parallel()
	a, b := auth.NewTally(1800*second), auth.NewTally(1800*second)
	for i := range int64(30) {
		at := (2000 + 10*i) * second
		a.Add(line(at, fmt.Sprintf(`login failed for user u%d from 203.0.113.9: wrong password`, i)))
		b.Add(line(at, `203.0.113.9 - - [28/Nov/2026:23:00:00 +0000] "GET /items/1 HTTP/1.1" 200 12`))
		b.Add(line(at-1000*second, `203.0.113.9 - - [28/Nov/2026:23:00:00 +0000] "GET /items/1 HTTP/1.1" 200 12`))
	}
	a.Merge(b)
	r := a.Report(1, 3600*second)
	require.Equal(t, 30, r.Sources[0].Failures)
	require.Equal(t, 50-30+10, r.Sources[0].Served, "in the recent time")
}

func TestTwoProcessesMayGiveTheSameIDToTwoRequests(t *testing.T) {
	t.Parallel()
	refused := func(pid int) string {
		return fmt.Sprintf(`{"message":"login failed","reason":"wrong password","user_id":"7","request_id":"req-1","pid":%d}`, pid)
	}
	require.Equal(t, 2, tallied(map[string]int64{refused(1): 3000 * second, refused(2): 3000*second + 1}, 1800*second).Failures)
}
