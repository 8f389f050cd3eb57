//go:build !race

package demo_test

const (
	visitorsPerSecond = 120
	manyOrders        = 60_000
)
