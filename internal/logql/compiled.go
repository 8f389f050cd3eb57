package logql

import "sync"

// expression is a regular expression; anchored, it must match the whole text.
type expression struct {
	pattern  string
	anchored bool
}

// compiled keeps the tests of expressions: a query compiles each of them for each
// file and each goroutine, and a diagnosis asks the same queries of many files.
// The tests bear no state, so all may share them.
var compiled = expressions{tests: map[expression]textTest{}}

// mostCompiled bounds the tests that are kept, of some ten kilobytes each. Where
// there are more all are dropped, and compiled again when they are asked for.
const mostCompiled = 500

type expressions struct {
	mu    sync.Mutex
	tests map[expression]textTest
}

func (c *expressions) test(e expression) (textTest, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if test, ok := c.tests[e]; ok {
		return test, nil
	}
	test, err := e.test()
	if err != nil {
		return nil, err
	}
	if len(c.tests) >= mostCompiled {
		clear(c.tests)
	}
	c.tests[e] = test
	return test, nil
}
