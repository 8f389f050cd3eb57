package fault

func jobs() []Fault {
	return []Fault{
		receiptsWorkerDown(), tasksWorkerDown(), beatDown(), schedulerOff(), jobTimeout(), taskTimeout(), jobOrphaned(), taskOrphaned(),
		jobInputMissing(), jobErrorSwallowed(), resultsUnbounded(), jobsNotEnqueued(), tasksThrownAway(),
		writesRefused(), takenBack(), race(),
		nightlyBatch(), workersDeployed(), oldFailures(), jobsMendedAgain(),
	}
}
