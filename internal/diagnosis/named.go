package diagnosis

import "fmt"

// named is what was found in one line. A cause that is found in several places
// is one cause.
func named(roots []Root) string {
	var causes []Root
	places := map[string]int{}
	for _, r := range roots {
		if places[r.ID]++; places[r.ID] == 1 {
			causes = append(causes, r)
		}
	}
	first := fmt.Sprintf("%s (%s)", causes[0].Title, causes[0].Word)
	if n := places[causes[0].ID]; n > 1 {
		first = fmt.Sprintf("%s (%s, in %d places)", causes[0].Title, causes[0].Word, n)
	}
	switch len(causes) {
	case 1:
		return first
	case 2:
		return fmt.Sprintf("2 causes at the same time: %s, and %s", first, causes[1].Title)
	}
	return fmt.Sprintf("%d causes at the same time: %s, %s, and %d more", len(causes), first, causes[1].Title, len(causes)-2)
}
