package fault

func doubles() []Fault {
	return []Fault{}
}
