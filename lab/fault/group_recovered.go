package fault

func recovered() []Fault {
	return []Fault{lockReleased(), databaseCameBack()}
}
