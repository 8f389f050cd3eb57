//go:build !crash

package app

import (
	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/incident"
)

// outsideStore and outsideDoer are where the process reaches the store and the
// systems that it changes. The crash test builds a process that dies there.
func outsideStore(s incident.Store) incident.Store { return s }

func outsideDoer(d action.Doer) action.Doer { return d }

func unwrapped(s incident.Store) incident.Store { return s }
