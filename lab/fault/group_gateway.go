package fault

func gateway() []Fault {
	return []Fault{}
}
