package fault

func workers() []Fault {
	return []Fault{}
}
