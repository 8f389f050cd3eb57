package fault

import "slices"

func herrings() []Fault {
	return slices.Concat(oddities())
}
