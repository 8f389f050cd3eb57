package fault

func healthy() []Fault {
	return append([]Fault{ordinaryDay(), rollingRestart(), gatewayEdited(), busyEvening()}, stillWell()...)
}
