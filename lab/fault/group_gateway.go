package fault

func gateway() []Fault {
	return []Fault{
		serverDead(),
		serversDead(),
		serverStuck(),
		serverIll(),
		workersDie(),
		healthPath(),
		wayBlocked(),
		unevenWeight(),
		unevenHash(),
		packetsLost(),
		partnerDown(),
		partnerSlow(),
		partnerGone(),
		largeAnswers(),
		heldInMemory(),
		cacheCorrupt(),
		certificateExpired(),
		certificateWrong(),
		recordWrong(),
		crowd(),
		flood(),
		limitTooTight(),
	}
}
