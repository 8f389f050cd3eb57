package fault

func deploy() []Fault {
	return []Fault{}
}
