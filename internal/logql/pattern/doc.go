// Package pattern groups log messages into templates and finds what changed
// among them.
//
// A message is read once: its words become tokens, words that can only be
// values (numbers, addresses, paths, what stands after "key=") become holes, and
// the hash of what is left is its shape. Nearly every message has a shape that
// is known, so it costs one look-up. Shapes are few; only they are clustered
// into templates, when somebody asks.
//
// One setting serves all formats: no rule knows the name of any program.
//
// What holds: the templates, their counts and their samples are a function of
// the set of messages. Neither the order of messages, nor how they are cut into
// chunks for several miners that are merged afterwards, changes anything. A
// family of shapes (same number of tokens, same punctuation) that grows beyond
// its bound keeps the shapes of the smallest hashes, so this stays true beyond
// that bound too. It ends only where all families together pass
// Config.Shapes: then the shapes that came first are kept, and Lost counts the
// messages of the others.
//
// The package does no input or output, reads no clock and starts no goroutine.
package pattern
