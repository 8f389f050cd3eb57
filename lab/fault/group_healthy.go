package fault

func healthy() []Fault {
	return []Fault{ordinaryDay(), rollingRestart(), gatewayEdited(), busyEvening(), scanner(), morningLogins()}
}
