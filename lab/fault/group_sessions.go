package fault

func sessions() []Fault {
	return []Fault{
		guessing(),
		forgotten(),
		tokensEnd(),
		keyChanged(),
		cookieBroken(),
		sessionsShort(),
		sessionsInProcess(),
		sessionsLost(),
		holeUsed(),
	}
}
