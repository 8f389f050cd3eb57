package fault

func recovered() []Fault {
	return []Fault{
		lockReleased(),
		databaseCameBack(),
		redisBack(),
		redisPasswordRight(),
		was(badDeploy()),
		was(badConfig()),
		was(partnerDown()),
		was(schemaBehind()),
		was(serverDead()),
	}
}
