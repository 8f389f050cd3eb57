package fault

func healthy() []Fault {
	return []Fault{ordinaryDay()}
}
