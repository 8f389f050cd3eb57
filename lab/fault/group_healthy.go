package fault

func healthy() []Fault {
	return append([]Fault{ordinaryDay()}, stillWell()...)
}
