// Package all is the list of connectors: adding one is its folder and a line here.
package all

import "github.com/quellhq/quell/internal/connector"

// Kinds returns every connector, in the order in which they are listed to people.
func Kinds() []connector.Kind {
	return []connector.Kind{}
}
