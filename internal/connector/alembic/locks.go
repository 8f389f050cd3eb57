package alembic

import (
	"fmt"
	"regexp"
	"strings"
)

// name matches a table or an index as it stands in SQL, with its schema or not.
const name = `((?:"[^"]+"|[\w$]+)(?:\.(?:"[^"]+"|[\w$]+))?)`

// hazard is a form of statement that holds up or breaks more than it looks
// like. Locks and rewrites are those of Postgres 12 and later (its manual:
// ALTER TABLE, CREATE INDEX, and the table of lock conflicts).
type hazard struct {
	form *regexp.Regexp // its first group is the table, or what there is of a name
	not  *regexp.Regexp // a form of it that is harmless
	says string
	// destroys is true where rows are gone afterwards.
	destroys bool
	// anyTable is true where it matters on a table that this migration makes as well.
	anyTable bool
}

func form(text string) *regexp.Regexp { return regexp.MustCompile(`(?i)` + text) }

const (
	alter  = `^ALTER TABLE (?:IF EXISTS )?(?:ONLY )?` + name + ` .*`
	column = `ADD COLUMN (?:IF NOT EXISTS )?(?:"[^"]+"|[\w$]+)[^,]*`
)

var hazards = []hazard{
	{form: form(`^DROP TABLE (?:IF EXISTS )?` + name), says: "drops table %s with its rows", destroys: true, anyTable: true},
	{form: form(alter + `DROP COLUMN`), says: "drops a column of %s with its values; code that still reads it fails", destroys: true},
	{form: form(`^TRUNCATE (?:TABLE )?(?:ONLY )?` + name), says: "empties %s, and stops its readers meanwhile", destroys: true},
	{form: form(`^DELETE FROM (?:ONLY )?` + name), says: "deletes rows of %s; their locks stay until the migration ends", destroys: true},
	{form: form(`^DROP (?:SCHEMA|TYPE|VIEW|MATERIALIZED VIEW|SEQUENCE|FUNCTION|DATABASE) (?:IF EXISTS )?` + name), says: "drops %s", destroys: true, anyTable: true},
	{form: form(`^UPDATE (?:ONLY )?` + name), says: "changes rows of %s; their locks stay until the migration ends"},

	{form: form(`^CREATE (?:UNIQUE )?INDEX .*?ON (?:ONLY )?` + name), not: form(`^CREATE (UNIQUE )?INDEX CONCURRENTLY`), says: "builds an index on %s without CONCURRENTLY: writers wait until it is built"},
	{form: form(`^DROP INDEX (?:IF EXISTS )?` + name), not: form(`^DROP INDEX CONCURRENTLY`), says: "drops index %s without CONCURRENTLY: it needs the table for itself"},
	{form: form(`^REINDEX (?:TABLE|INDEX) ` + name), not: form(`^REINDEX (TABLE|INDEX) CONCURRENTLY`), says: "rebuilds %s without CONCURRENTLY: writers wait, and readers of the index too"},
	{form: form(`^(?:CLUSTER|VACUUM FULL) ` + name), says: "rewrites %s: readers and writers wait until it is done"},
	{form: form(`^REFRESH MATERIALIZED VIEW ` + name), not: form(`^REFRESH MATERIALIZED VIEW CONCURRENTLY`), says: "refreshes %s without CONCURRENTLY: its readers wait"},
	{form: form(`^LOCK (?:TABLE )?(?:ONLY )?` + name), says: "locks %s until the migration ends"},

	{form: form(alter + column + `NOT NULL`), not: form(column + `(DEFAULT|GENERATED|SERIAL)`), says: "adds a column to %s that must have a value, without a default: it fails where the table has rows"},
	{form: form(alter + column + `DEFAULT [^,]*(?:random|uuid|clock_timestamp|nextval|timeofday)\w*\(`), says: "adds a column to %s with a default that differs by row: the whole table is rewritten, readers and writers wait"},
	{form: form(alter + column + `(?:\b(?:BIG|SMALL)?SERIAL\b|GENERATED)`), says: "adds a column to %s whose values are made for each row: the whole table is rewritten, readers and writers wait"},
	{form: form(alter + `ALTER (?:COLUMN )?\S+ SET NOT NULL`), says: "reads all of %s to see that no value is missing: readers and writers wait (a validated CHECK first makes it brief)"},
	{form: form(alter + `ALTER (?:COLUMN )?\S+ (?:SET DATA )?TYPE`), says: "changes the type of a column of %s: the table may be rewritten, readers and writers wait"},
	{form: form(alter + `FOREIGN KEY`), not: form(`NOT VALID`), says: "adds a foreign key to %s and checks all rows: writers of both tables wait (NOT VALID first, VALIDATE later)"},
	{form: form(alter + `ADD (?:CONSTRAINT \S+ )?CHECK`), not: form(`NOT VALID`), says: "adds a check to %s and reads all rows: readers and writers wait (NOT VALID first, VALIDATE later)"},
	{form: form(alter + `ADD (?:CONSTRAINT \S+ )?(?:UNIQUE|PRIMARY KEY|EXCLUDE)`), not: form(`USING INDEX`), says: "builds the index of a constraint on %s: readers and writers wait (an index built CONCURRENTLY first, then USING INDEX)"},
	{form: form(alter + `SET (?:TABLESPACE|LOGGED|UNLOGGED)`), says: "rewrites %s: readers and writers wait until it is done"},
	{form: form(alter + `RENAME`), says: "renames something of %s: code that uses the old name fails at once"},
}

// brief is what every other ALTER TABLE does.
var brief = form(`^ALTER TABLE (?:IF EXISTS )?(?:ONLY )?` + name)

var created = form(`^CREATE (?:UNLOGGED |TEMP |TEMPORARY )?TABLE (?:IF NOT EXISTS )?` + name)

// concurrent is what cannot run inside of a transaction.
var concurrent = form(`^(CREATE (UNIQUE )?INDEX|DROP INDEX|REINDEX \w+) CONCURRENTLY|^VACUUM`)

// risks are what there is to know of a migration before it runs.
type risks struct {
	notes    []string
	destroys []string
	alone    bool // something runs outside of a transaction
}

// hazardsOf reads the statements of the given steps, in their order. What a
// migration does to a table that it has made itself holds up nobody.
func hazardsOf(steps []scriptStep) risks {
	var r risks
	fresh := map[string]bool{}
	seen := map[string]bool{}
	note := func(step scriptStep, text string) {
		line := step.revision + " " + text
		if !seen[line] {
			seen[line] = true
			r.notes = append(r.notes, line)
		}
	}
	for _, step := range steps {
		for _, s := range step.statements {
			if m := created.FindStringSubmatch(s); m != nil {
				fresh[bare(m[1])] = true
			}
			found := false
			for _, h := range hazards {
				m := h.form.FindStringSubmatch(s)
				if m == nil || h.not != nil && h.not.MatchString(s) || fresh[bare(m[1])] && !h.anyTable {
					continue
				}
				found = true
				text := fmt.Sprintf(h.says, m[1])
				note(step, text)
				if h.destroys {
					r.destroys = append(r.destroys, text)
				}
			}
			if m := brief.FindStringSubmatch(s); !found && m != nil && !fresh[bare(m[1])] {
				note(step, fmt.Sprintf("needs %s for itself, for a moment: it waits for open transactions, and everybody behind it", m[1]))
			}
			if concurrent.MatchString(s) && step.alone == 0 {
				note(step, "will fail: it runs CONCURRENTLY or VACUUM inside of a transaction (op.get_context().autocommit_block())")
			}
		}
		if step.alone > 0 {
			r.alone = true
			note(step, fmt.Sprintf("runs %s outside of a transaction: if it fails midway, what it did until then stays", count(step.alone, "statement")))
		}
	}
	return r
}

// bare is a name without quotes and schema, in lower case.
func bare(name string) string {
	parts := strings.Split(strings.ToLower(strings.ReplaceAll(name, `"`, "")), ".")
	return parts[len(parts)-1]
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
