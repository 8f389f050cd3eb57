package fault

func database() []Fault {
	return []Fault{
		connectionLeak(),
	}
}
