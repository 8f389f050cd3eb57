package fault

func herrings() []Fault {
	recycled := workersRecycled()
	return append([]Fault{
		herringSpare(), herringCrawler(),
		beside("blocked-loop-beside-recycled-workers", blockedLoop(), recycled.About, recycled.Inject),
		beside("port-taken-beside-idle-workers", portTaken(), idleWorkers().About, idleWorkers().Inject),
	}, oddities()...)
}
