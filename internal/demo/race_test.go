//go:build race

package demo_test

// The race detector makes the shop's database ten times slower: fewer visitors
// and orders keep it as busy as it is without.
const (
	visitorsPerSecond = 60
	manyOrders        = 8_000
)
