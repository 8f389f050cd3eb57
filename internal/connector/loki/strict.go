package loki

import "github.com/quellhq/quell/internal/logql"

// stated is a question as Loki can be asked it.
type stated struct {
	text string // in strict LogQL

	// client is set where strict LogQL cannot say it: the lines of fetch are
	// then asked here, in the dialect of the playbook.
	client string
	query  logql.Query
	logql.Rewritten
}

// strictly says a query in strict LogQL. What our parser does not read goes to
// Loki as it is: it may know more, and its words say best what is wrong.
func strictly(text string, dialect logql.Dialect) (stated, error) {
	if dialect == logql.Strict {
		return stated{text: text}, nil
	}
	q, err := logql.Parse(text)
	if err != nil {
		return stated{text: text}, nil //nolint:nilerr // Loki is to judge
	}
	r, err := logql.ToStrict(q)
	if err != nil {
		return stated{}, err
	}
	if r.Client != "" {
		return stated{client: r.Client, query: q, Rewritten: r}, nil
	}
	if r.Query.Text == q.String() {
		return stated{text: text}, nil // the bytes that the author wrote
	}
	return stated{text: r.Query.Text}, nil
}
