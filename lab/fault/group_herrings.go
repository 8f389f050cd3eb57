package fault

func herrings() []Fault {
	recycled, idle := workersRecycled(), idleWorkers()
	return append([]Fault{
		leakBesideIdle(),
		herringSpare(),
		herringCrawler(),
		herringRelease(),
		herringHotfix(),
		tokensAndScanner(),
		beside("blocked-loop-beside-recycled-workers", blockedLoop(), recycled.About, recycled.Inject),
		beside("port-taken-beside-idle-workers", portTaken(), idle.About, idle.Inject),
	}, oddities()...)
}
