package fault

// doubles are two faults that have nothing to do with one another: neither is a
// consequence of the other, and neither takes away what the other needs to show,
// so both have to be named.
func doubles() []Fault {
	return []Fault{
		together("leak-and-dead-worker", connectionLeak(), receiptsWorkerDown()),
		together("slow-partner-and-flushed-cache", partnerSlow(), flushed()),
		together("lost-index-and-dead-beat", indexDropped(), beatDown()),
		together("locked-rows-and-blind-exporter", rowsLocked(), exporterDown()),
		together("dead-server-and-dropped-index", serverDead(), indexDropped()),
		together("guessing-and-slow-partner", guessing(), partnerSlow()),
		together("expired-certificate-and-open-transaction", certificateExpired(), transactionLeftOpen()),
		together("one-by-one-and-orphaned-task", oneByOne(), taskOrphaned()),
		together("slow-commands-and-dead-worker", redisSlowCommands(), tasksWorkerDown()),
		together("full-disk-and-cookie-broken", diskFull(), cookieBroken()),
		together("scrape-blocked-and-wasteful-search", scrapeBlocked(), wastefulSearch()),
		together("bad-release-and-scheduler-off", badDeploy(), schedulerOff()),
		together("bloated-table-and-partner-down", tableBloated(), partnerDown()),
	}
}
