package floors_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// mayApply are the packages that may call an action's Apply(ctx, order): the
// executor, which checks class, policy and approval itself, and what tests it.
var mayApply = []string{"internal/execution", "internal/action/actiontest", "internal/recovery/drivertest"}

// crashHook passes a call on, and is in no binary that is given to anybody: it
// has a build tag of its own.
const crashHook = "internal/app/outside_crash.go"

// No probe, and nothing else, can reach Apply. Go has no way to forbid a call,
// so the sources are read: a method named Apply with two arguments is called
// nowhere else.
func TestTheExecutorAloneApplies(t *testing.T) {
	t.Parallel()
	calls := 0
	for _, file := range sources(t) {
		if file.test || file.name == crashHook {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file.name), nil, 0)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 2 {
				return true
			}
			if f, ok := call.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Apply" {
				calls++
				require.Containsf(t, mayApply, path.Dir(file.name), "%s calls Apply: the executor alone does", file.name)
			}
			return true
		})
	}
	require.Positive(t, calls, "the walk has not found the executor's own call")
}
