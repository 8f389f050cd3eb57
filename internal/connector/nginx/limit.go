package nginx

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/action"
)

// snippetPrefix begins the names of the files that are ours.
const snippetPrefix = "quell-"

// snippet is the path of the file with this id.
func (t *target) snippet(id string) string {
	return filepath.Join(realPath(t.config.Snippets), snippetPrefix+"limit-"+id+".conf")
}

// limit is a rate limit as it was asked for.
type limit struct {
	server, location, rate string
	burst                  int
}

var (
	rateText     = regexp.MustCompile(`^[1-9][0-9]{0,5}r/[sm]$`)
	locationText = regexp.MustCompile(`^/[A-Za-z0-9/._~@:+-]*$`)
	serverText   = regexp.MustCompile(`^[A-Za-z0-9._*-]*$`)
)

const highestBurst = 100_000

func readLimit(args action.Args) (limit, error) {
	l := limit{server: args.Text("server"), location: args.Text("location"), rate: args.Text("rate"), burst: int(args.Number("burst"))}
	n := args.Number("burst")
	switch {
	case !rateText.MatchString(l.rate):
		return l, action.Refuse("", "rate is written 10r/s or 30r/m, not %q", l.rate)
	case !locationText.MatchString(l.location):
		return l, action.Refuse("", "location is a plain path like /login, not %q", l.location)
	case !serverText.MatchString(l.server):
		return l, action.Refuse("", "server is a server_name without an expression, not %q", l.server)
	case n < 0 || n > highestBurst || n != math.Trunc(n):
		return l, action.Refuse("", "burst is a whole number from 0 to %d, not %s", highestBurst, args.Text("burst"))
	}
	return l, nil
}

// id names what is limited, so that a second limit of the same takes the place
// of the first.
func (l limit) id() string {
	sum := sha256.Sum256([]byte(l.server + "\x00" + l.location))
	return hex.EncodeToString(sum[:4])
}

func (l limit) what() string {
	text := "every server"
	if l.server != "" {
		text = l.server
	}
	if l.location != "/" {
		text += " below " + l.location
	}
	return text
}

// text is the snippet. A request with an empty key is not counted, so a map
// from server and path to the client's address picks what is limited, and no
// file of anybody else has to be touched. name is the $server_name that is
// limited; status says whether to set the status of what is too much.
func (l limit) text(name string, status bool) string {
	pattern := "[^:]*"
	if l.server != "" {
		pattern = literal(name)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Written by quell: each client address may ask %s at %s.\n", l.what(), l.rate)
	b.WriteString("# quell takes it back. By hand: remove this file and reload nginx.\n")
	fmt.Fprintf(&b, "map \"$server_name:$uri\" $quell_limit_%s {\n    default \"\";\n    \"~^%s:%s\" $binary_remote_addr;\n}\n", l.id(), pattern, literal(l.location))
	fmt.Fprintf(&b, "limit_req_zone $quell_limit_%s zone=quell_%s:10m rate=%s;\n", l.id(), l.id(), l.rate)
	burst := ""
	if l.burst > 0 {
		burst = " burst=" + strconv.Itoa(l.burst) + " nodelay"
	}
	fmt.Fprintf(&b, "limit_req zone=quell_%s%s;\n", l.id(), burst)
	if status {
		b.WriteString("limit_req_status 429;\n")
	}
	return b.String()
}

// literal writes a text for an expression so that it means itself. The texts
// that come here hold no other signs of an expression than these.
func literal(text string) string {
	return strings.NewReplacer(".", "[.]", "*", "[*]", "+", "[+]").Replace(text)
}

// numbersOf are the rate and burst that a snippet sets.
func numbersOf(snippet []byte) string {
	_, rest, _ := strings.Cut(string(snippet), " rate=")
	rate, rest, _ := strings.Cut(rest, ";")
	burst := "0"
	if _, after, ok := strings.Cut(rest, " burst="); ok {
		burst, _, _ = strings.Cut(after, " ")
	}
	return rate + ", burst " + burst
}
