package shape_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/secret/shape"
)

// awkward are texts made of what makes a rule look around, over and over.
var awkward = []string{
	`password="`, `password='`, `sid="\"`, `://a:b`, `://`, `@`, `a@b.`, `eyJ-`, `eyJa.`, `glpat-`, "-----BEGIN PRIVATE KEY-----", "password: |\n", `{"password":[`,
	`("a") values ("`, `) values (`, `AUTH `, `\`, `"\"`, `-p`, `mysql -p`, `+1 `, `4111 `, `password `, `name: password `, `cookie: a=b; `, `Authorization: `, "user a on >", `%40`, `key `, `password=(`, `•••`,
	`name="password"`, "DB_PASSWORD=a ", `"X_TOKEN=a `, `a:*:`, `PDO->__construct('a', `, `"x-key", `, `cookie: "`, `Set-Cookie: a=b, `, `password: "a" -> `, "{\"password\":1}\n", `https://hooks.slack.com/services/`, `DE89`, `sid=eyJ`,
}

// Reading a text in which every piece makes some rule look around takes a few
// milliseconds; with a rule that looks to the end each time, it takes minutes.
// The bound is far from both, for a busy machine.
func TestTimeIsLinearInTheText(t *testing.T) {
	t.Parallel()
	for _, piece := range awkward {
		text := strings.Repeat(piece, (1<<19)/len(piece))
		began := time.Now()
		shape.KeepJSON(text, shape.Find(text, shape.Options{Addresses: true}))
		require.Less(t, time.Since(began), 15*time.Second, "half a megabyte of %q", piece)
	}
}
