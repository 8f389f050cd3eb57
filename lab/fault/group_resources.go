package fault

func resources() []Fault {
	return []Fault{
		memoryLeak(),
		unboundedCache(),
		libraryLeak(),
		sessionLeakMemory(),
		wholeExports(),
		datasetInMemory(),
		memoryLimit(),
		cpuLimit(),
		hotCode(),
		underProvisioned(),
		trafficSpike(),
		fdExhausted(),
		taskLimit(),
		diskFull(),
		inodesUsedUp(),
		busyNeighbours(),
	}
}
