package fault

func redis() []Fault {
	return []Fault{
		redisDown(),
		redisMisaddressed(),
		redisAuth(),
		redisUnreachable(),
		redisMaxclients(),
		redisClientPool(),
		redisSlowCommands(),
		redisMemory(),
		redisEviction(),
		redisPersistence(),
		redisDiskFull(),
		redisBadConfig(),
		redisCorrupt(),
		redisStarved(),
		redisFrozen(),
	}
}
