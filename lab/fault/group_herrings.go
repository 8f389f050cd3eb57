package fault

func herrings() []Fault {
	return append([]Fault{
		leakBesideIdle(),
		herringSpare(),
		herringCrawler(),
		herringRelease(),
		herringHotfix(),
	}, oddities()...)
}
