package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/quellhq/quell/internal/action"
)

// guard writes what must still be so as text that is compared byte for byte,
// and from which an undo can be made after a crash.
func guard(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // guards are structs of this package: JSON holds all of them
	}
	return string(data)
}

// guardOf reads the guard of the only item of an approved preview.
func guardOf[G any](o action.Order) (G, error) {
	var g G
	if len(o.Preview.Items) != 1 {
		return g, action.Refuse("plan it again", "the order has %d items and should have one", len(o.Preview.Items))
	}
	return readGuard[G](o.Preview.Items[0])
}

func readGuard[G any](i action.Item) (G, error) {
	var g G
	if err := json.Unmarshal([]byte(i.Guard), &g); err != nil {
		return g, action.Refuse("plan it again", "the guard of %s cannot be read", i.ID)
	}
	return g, nil
}

// listed reads an argument that names things, each once.
func listed(a action.Args, name string) ([]string, error) {
	var out []string
	seen := map[string]bool{}
	for _, v := range a.List(name) {
		text, ok := v.(string)
		if !ok || text == "" {
			return nil, action.Refuse("", "%s: %v is no name", name, v)
		}
		if !seen[text] {
			seen[text], out = true, append(out, text)
		}
	}
	if len(out) == 0 {
		return nil, action.Refuse("the question that names them found none", "%s is empty", name)
	}
	return out, nil
}

// quotedList writes texts as the inside of an SQL list.
func quotedList(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = quoteText(t)
	}
	return strings.Join(quoted, ", ")
}

// stillSo returns the approved items that are as they were approved. Where a
// preview may not shrink, any other world is an error; so is one in which
// nothing is left. What the world has gained since is not touched.
func stillSo(approved, now action.Preview) ([]action.Item, error) {
	guards := map[string]string{}
	for _, i := range now.Items {
		guards[i.ID] = i.Guard
	}
	var items []action.Item
	var moved []string
	for _, i := range approved.Items {
		if guards[i.ID] == i.Guard {
			items = append(items, i)
		} else {
			moved = append(moved, i.ID)
		}
	}
	if len(items) == 0 || len(moved) > 0 && !approved.MayShrink {
		return nil, action.Not("%s: not as it was when this was approved: plan it again", strings.Join(moved, ", "))
	}
	return items, nil
}

// identity says which server and database a target is, so that an address that
// leads elsewhere today is noticed: the system identifier is given when a
// cluster is made, copies of it share it, and only one of them is no standby.
func identity(ctx context.Context, ask asker) (string, error) {
	r, err := ask(ctx, `SELECT s.system_identifier::text AS system, d.oid::text AS oid, d.datname::text AS name, pg_is_in_recovery() AS standby
FROM pg_control_system() s, pg_database d WHERE d.datname = current_database()`)
	if err != nil {
		return "", err
	}
	v, role := r.first(), "primary"
	if truth(v, "standby") {
		role = "standby"
	}
	return fmt.Sprintf("system %s, database %s (%s), %s", str(v, "system"), str(v, "name"), str(v, "oid"), role), nil
}

// quoteName writes a name in double quotes, always: without them some names
// (user, current_user, all) are words of the language.
func quoteName(name string) string {
	return `"` + strings.ReplaceAll(strings.ReplaceAll(name, "\x00", ""), `"`, `""`) + `"`
}

// quoteText writes a text as a constant of SQL. All our sessions have
// standard_conforming_strings on, so that a backslash is a backslash.
func quoteText(text string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(text, "\x00", ""), "'", "''") + "'"
}
