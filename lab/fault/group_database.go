package fault

func database() []Fault {
	return []Fault{
		connectionLeak(),
		poolMadeTooSmall(),
		paymentInTransaction(),
		serverFull(),
		roleLimited(),
		indexDropped(),
		wastefulSearch(),
		oneByOne(),
		rowsLocked(),
		transactionLeftOpen(),
		migrationInTheQueue(),
		tableBloated(),
		databaseDown(),
		databaseMisaddressed(),
		databaseSaturated(),
		databaseDiskFull(),
	}
}
