package probe

// The kinds of changes, as playbooks call them: changes.deploy, changes.config.
const (
	Deploy      = "deploy"      // other code runs: a release, a checkout, a new version
	Config      = "config"      // a setting or a file of settings
	Migration   = "migration"   // the schema of a database
	Dependency  = "dependency"  // libraries that the code rests on
	Flag        = "flag"        // a feature was switched
	Restart     = "restart"     // a process began anew
	Reload      = "reload"      // a process read its settings again
	Boot        = "boot"        // a machine came up
	Certificate = "certificate" // another certificate is served
	DNS         = "dns"         // a name leads elsewhere
)

// ChangeKinds lists them all.
func ChangeKinds() []string {
	return []string{Boot, Certificate, Config, Dependency, Deploy, DNS, Flag, Migration, Reload, Restart}
}

// Moment says that a field of an answer is when something changed. Whoever
// declares one in Spec.Changes stands on the timeline of every diagnosis.
type Moment struct {
	// Kind is one of ChangeKinds. Empty: each row names its own in the field
	// "kind", and Kinds lists those that it may name.
	Kind  string
	Kinds []string
	Rows  string // the field whose rows hold it; empty: the answer itself, or its rows
	At    string // the field: seconds since 1970, or a text as RFC 3339 has it
	Ago   string // instead of At: the field has the seconds that have passed since
	What  string // what has changed, with fields in braces: "worker {pid}"
	About string // a field that tells more; may be empty
	// Hearsay: what is told happened, and what is not told may have happened too.
	Hearsay bool
}

// Sees lists the kinds of changes that a moment can tell of.
func (m Moment) Sees() []string {
	if m.Kind != "" {
		return []string{m.Kind}
	}
	return m.Kinds
}

// ChangeRows is the plain form: rows with at, kind, what and detail.
func ChangeRows(kinds ...string) []Moment {
	return []Moment{{Kinds: kinds, At: "at", What: "{what}", About: "detail"}}
}

// ChangeFields documents the rows of ChangeRows.
func ChangeFields(more ...Field) []Field {
	return append([]Field{
		{Name: "at", Type: "number", About: "when, seconds since 1970"},
		{Name: "kind", Type: "text", About: "deploy, config, migration, dependency, flag, restart, reload, boot, certificate or dns"},
		{Name: "what", Type: "text", About: "what has changed"},
		{Name: "detail", Type: "text", About: "what is known of it, in a line"},
	}, more...)
}
