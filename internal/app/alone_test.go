package app

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Whose files a target's are is sure where one service alone names it.
func TestATargetOfOneServiceAlone(t *testing.T) {
	t.Parallel()
	s := Setup{Services: []ServiceSetup{{Name: "shop", Targets: []string{"shop-logs", "db"}}, {Name: "billing", Targets: []string{"db"}}}}
	require.Equal(t, []string{"shop", "billing"}, s.servicesWhereAlone("shop-logs"))
	require.Empty(t, s.servicesWhereAlone("db"))
	require.Empty(t, s.servicesWhereAlone("prometheus"), "nobody names it")
}
