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
		affinityMissing(),
		authServiceDown(),
		sessionsLost(),
		holeUsed(),
		keyExposed(),
	}
}
