package alembic

// Statements splits SQL at its semicolons.
func Statements(sql string) []string { return statements(sql) }

// Hazards are the notes on what `alembic … --sql` printed, and what it destroys.
func Hazards(printed string) (notes, destroys []string) {
	r := hazardsOf(readScript(printed).steps)
	return r.notes, r.destroys
}
