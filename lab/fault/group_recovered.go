package fault

func recovered() []Fault {
	return []Fault{was(badDeploy()), was(badConfig()), was(partnerDown()), was(schemaBehind()), was(serverDead())}
}
