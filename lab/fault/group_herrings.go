package fault

func herrings() []Fault {
	return []Fault{herringSpare(), herringCrawler(), tokensAndScanner()}
	recycled, idle := workersRecycled(), idleWorkers()
	return append([]Fault{
		leakBesideIdle(),
		herringSpare(),
		herringCrawler(),
		herringRelease(),
		herringHotfix(),
		beside("blocked-loop-beside-recycled-workers", blockedLoop(), recycled.About, recycled.Inject),
		beside("port-taken-beside-idle-workers", portTaken(), idle.About, idle.Inject),
	}, oddities()...)
}
