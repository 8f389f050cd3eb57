package fault

func jobs() []Fault {
	return []Fault{}
}
