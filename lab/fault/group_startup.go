package fault

func startup() []Fault {
	return []Fault{}
}
