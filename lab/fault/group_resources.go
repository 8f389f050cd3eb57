package fault

func resources() []Fault {
	return []Fault{
		memoryLeak(), unboundedCache(), libraryLeak(), sessionLeakMemory(), datasetInMemory(), memoryLimit(), cpuLimit(),
		hotCode(), underProvisioned(), trafficSpike(), fdExhausted(), taskLimit(), diskFull(), inodesUsedUp(), busyNeighbours(),
	}
}
