package fault

func recovered() []Fault {
	return []Fault{}
}
