package fault

func herrings() []Fault {
	return []Fault{leakBesideIdle(), herringSpare(), herringCrawler()}
	return append([]Fault{
		herringSpare(),
		herringCrawler(),
		herringRelease(),
		herringHotfix(),
	}, oddities()...)
}
