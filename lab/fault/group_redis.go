package fault

func redis() []Fault {
	return []Fault{}
}
