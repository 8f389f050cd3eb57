package fault

func startup() []Fault {
	return []Fault{
		portTaken(), oldInstance(), wrongPort(), missingSetting(), startRaises(), missingModule(), wrongCommand(), databaseLate(),
	}
}
