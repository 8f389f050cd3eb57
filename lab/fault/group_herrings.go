package fault

func herrings() []Fault {
	return []Fault{herringSpare(), herringCrawler(), tokensAndScanner()}
}
