package fault

func herrings() []Fault {
	return []Fault{}
}
