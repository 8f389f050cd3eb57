package fault

func deploy() []Fault {
	return []Fault{
		badDeploy(),
		badConfig(),
		schemaBehind(),
		brokenMigration(),
	}
}
