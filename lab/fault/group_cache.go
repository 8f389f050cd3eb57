package fault

func cache() []Fault {
	return []Fault{staleLeft(), staleLate(), wrongLife(), stampede(), flushed(), coldCache(), notAsked()}
}
