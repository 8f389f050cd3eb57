package fault

func workers() []Fault {
	return []Fault{
		reloadSwitch(), singleProcess(), tooManyWorkers(), workerTimeout(), preloadedCode(),
		masterStopped(), masterKilled(), oneCore(), blockedLoop(),
	}
}
