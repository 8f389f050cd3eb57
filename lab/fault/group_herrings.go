package fault

func herrings() []Fault {
	return []Fault{leakBesideIdle(), herringSpare(), herringCrawler()}
}
