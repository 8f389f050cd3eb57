package fault

func healthy() []Fault {
	return []Fault{ordinaryDay(), idleSessions(), reportRuns(), rollingRestart(), gatewayEdited(), busyEvening()}
}
