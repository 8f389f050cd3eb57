package fault

func sessions() []Fault {
	return []Fault{}
}
