package request

import (
	"math"
	"regexp"
	"strconv"
)

// Database is what a line tells of the statements that its request sent: how
// long they took together, and how many there were (negative where it does not).
type Database struct {
	Took       Took
	Statements int
}

// inDatabase are names of fields with the time that a request spent in the
// database. Without a unit at their end they count in that of the whole request.
var inDatabase = withUnits("db", "db_time", "db_runtime", "db_duration", "db_latency", "db_elapsed", "sql_time", "sql_duration", "query_time", "queries_time",
	"database_time", "database_duration", "activerecord", "active_record", "dbTime", "dbDuration", "sqlTime")

func withUnits(names ...string) map[string]Unit {
	out := map[string]Unit{}
	for _, name := range names {
		out[name] = Unsaid
		for _, e := range unitEnds {
			out[name+e.end] = e.unit
		}
	}
	return out
}

// ofRails is the end of its line "Completed 200 OK in 31ms (Views: 1.2ms |
// ActiveRecord: 25.1ms (3 queries, 0 cached) | GC: 0.2ms)".
var ofRails = regexp.MustCompile(`\bActiveRecord: ([0-9.]+)ms(?: \(([0-9]{1,6}) quer)?`)

// field reads one field.
func (d *Database) field(f Field) {
	switch string(f.Name) {
	case "queries", "query_count", "queries_count", "num_queries", "nb_queries", "db_count", "db_queries", "db_query_count", "db_calls", "sql_count", "sql_queries", "statements", "statement_count", "queryCount", "dbQueries":
		if n, err := strconv.Atoi(string(f.Value)); err == nil && n >= 0 {
			d.Statements = n
		}
		return
	}
	if unit, known := inDatabase[string(f.Name)]; known && len(f.Value) > 0 && len(f.Value) <= 40 {
		if t, ok := measured(string(f.Value), unit); ok {
			d.Took = t
		}
	}
}

func (d *Database) text(message []byte) {
	m := ofRails.FindSubmatch(message)
	if m == nil {
		return
	}
	d.Took, _ = measured(string(m[1]), Millis)
	if len(m[2]) > 0 {
		d.Statements = number(m[2])
	}
}

// work is what the statements of some requests took together.
type work struct {
	db, whole  [2]float64 // in seconds, and in what nobody says; of requests that tell both
	asked      int        // requests that tell how many statements they sent
	statements int
}

func (w *work) add(d Database, whole Took) {
	if d.Statements >= 0 {
		w.asked++
		w.statements += d.Statements
	}
	if d.Took.Unit == None || whole.Unit == None {
		return
	}
	if d.Took.Unit == Unsaid {
		d.Took.Unit = whole.Unit
	}
	switch {
	case whole.Unit != Unsaid:
		w.db[0] += d.Took.Seconds()
		w.whole[0] += whole.Seconds()
	case d.Took.Unit == Unsaid:
		w.db[1] += d.Took.Number
		w.whole[1] += whole.Number
	}
}

func (w *work) merge(o work) {
	for i := range w.db {
		w.db[i] += o.db[i]
		w.whole[i] += o.whole[i]
	}
	w.asked += o.asked
	w.statements += o.statements
}

// share is the part of the time of requests that passed in the database, 0 to 1;
// NaN where no line tells.
func (w *work) share(unit float64) float64 {
	whole := w.whole[0] + unit*w.whole[1]
	if whole <= 0 {
		return math.NaN()
	}
	return min((w.db[0]+unit*w.db[1])/whole, 1)
}

// each is how many statements a request sent; NaN where no line tells.
func (w *work) each() float64 { return float64(w.statements) / float64(w.asked) }
