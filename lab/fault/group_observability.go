package fault

func observability() []Fault {
	return []Fault{}
}
