package fault

func resources() []Fault {
	return []Fault{}
}
