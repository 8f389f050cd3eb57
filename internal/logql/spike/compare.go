package spike

func (c *Collector) report(q Question) Report {
	return Report{Verdict: CannotTell, Reason: "not built yet"}
}
