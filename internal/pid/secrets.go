package pid

import (
	"regexp"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/secret"
)

// secretFlag is a flag whose value is the next argument: --db-password x. Those
// written with = are known to the redactor.
var secretFlag = regexp.MustCompile(`(?i)^--?[a-z0-9_-]*(password|passwd|secret|token|api[_-]?key|credential|private[_-]?key)[a-z0-9_-]*$`)

// hideSecrets replaces arguments that follow a flag for a secret, and what
// looks like one.
func hideSecrets(args []string) []string {
	out, shapes := slices.Clone(args), new(secret.Redactor)
	for i := range out {
		if i > 0 && secretFlag.MatchString(args[i-1]) && !strings.HasPrefix(args[i], "-") {
			out[i] = secret.Placeholder
			continue
		}
		out[i] = shapes.Text(out[i])
	}
	return out
}
