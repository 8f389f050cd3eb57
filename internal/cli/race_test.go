//go:build race

package cli_test

const raceFactor = 2
