package pattern_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql/pattern"
)

func TestTexts(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"took 12ms for user 42":                                                   "took <*> for user <*>",
		"GET /api/v1/orders/123 from 10.0.0.1:5432":                               "GET <*> from <*>",
		"id=f47ac10b-58cc-4372-a567-0e02b2c3d479 done":                            "id=<*> done",
		"calling http://a.b/orders/{id}/items/<n> failed":                         "calling http:<*> failed",
		"commit deadbeefdeadbeefcafe missing":                                     "commit <*> missing",
		`key="a value with blanks" next=`:                                         `key=<*> next=<*>`,
		"it's broken, isn't it":                                                   "it's broken, isn't it",
		"2026-03-01 12:00:00,123 ERROR db: no":                                    "<*> ERROR db: no",
		"Jun 14 15:16:01 combo sshd[19939]: closed":                               "<*> combo sshd[<*>]: closed",
		"ask 10.0.0.1:50010 to delete blk_1 blk_22 blk_-3":                        "ask <*> to delete <*>",
		"uid=0 ruser= rhost=1.2.3.4 user=root":                                    "uid=<*> ruser=<*> rhost=<*> user=<*>",
		`{"user": "bob b", "ok": true, "n":5}`:                                    `{"user": <*>, "ok": <*>, "n":<*>}`,
		"mail from bob@example.com, size 5.2 MB":                                  "mail from <*>, size <*>",
		"":                                                                        "",
		"boom\n  File \"a.py\", line 5, in f\n    x()\nValueError: bad 7":         "boom ⏎ ValueError: bad <*> ⏎ File \"a.py\", line <*>, in f",
		"failed\njava.lang.E: no 5\n\tat a.b.C(C.java:5)\n\tat d.e.F(F.java:6)\n": "failed ⏎ java.lang.E: no <*> ⏎ at a.b.C(<*>)",
	} {
		m := pattern.New(pattern.Config{})
		m.Add(pattern.Message{Text: []byte(message)})
		list := m.Templates()
		require.Len(t, list, 1)
		require.Equal(t, want, list[0].Text, message)
	}
}
