package fault

// was is a fault that is over: the alert is old, and all is well by now.
func was(f Fault) Fault {
	f.Name, f.Kind, f.Group = f.Name+"-over", Recovered, "recovered"
	f.About += "; it has been put right since"
	f.Cause, f.Truth, f.Symptoms, f.LookAlikes = "", nil, nil, nil
	f.Alert = "HighErrorRate"
	return f
}
