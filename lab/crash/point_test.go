package crash_test

import (
	"fmt"
	"math/rand/v2"
)

// command is one call of quell in the story of an incident.
type command struct {
	name string
	args []string
}

// point is where quell is killed: in which command, at which of its calls to
// the store and to the systems, and before it, after it, or so long into it.
type point struct {
	command int
	call    int
	when    string
}

func (p point) String() string {
	return fmt.Sprintf("%s, call %d, %s", [...]string{"diagnose", "plan", "approve", "apply", "undo"}[p.command], p.call, p.when)
}

// draw takes n different points, evenly from the commands by their number of
// calls; the same seed gives the same points.
func draw(n int, seed uint64, calls []int) []point {
	r := rand.New(rand.NewPCG(seed, 17))
	total := 0
	for _, c := range calls {
		total += c
	}
	out := make([]point, n)
	for i := range out {
		at := r.IntN(total)
		for command, c := range calls {
			if at < c {
				out[i] = point{command, at + 1, when(r)}
				break
			}
			at -= c
		}
	}
	return out
}

func when(r *rand.Rand) string {
	switch r.IntN(3) {
	case 0:
		return "before"
	case 1:
		return "after"
	}
	return fmt.Sprintf("%dus", 20+r.IntN(3000))
}
