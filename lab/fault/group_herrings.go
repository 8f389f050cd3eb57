package fault

func herrings() []Fault {
	return append([]Fault{
		herringSpare(),
		herringCrawler(),
		herringRelease(),
		herringHotfix(),
	}, oddities()...)
}
