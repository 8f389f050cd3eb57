package policy

type Decision struct{ Approvals int }
