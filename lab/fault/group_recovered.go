package fault

func recovered() []Fault {
	return []Fault{redisBack(), redisPasswordRight()}
}
