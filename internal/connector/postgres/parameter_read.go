package postgres

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/action"
)

var parameterName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$`)

// parameterSQL describes a parameter. Its names are written out in full, since
// it runs in a session as it comes: our own usual settings would hide the
// server's. Values of roles and databases win over the server's.
const parameterSQL = `
SELECT s.name, s.context, s.vartype, s.unit, s.min_val, s.max_val, s.enumvals, s.source, s.reset_val AS live, s.boot_val, s.pending_restart,
       pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS version,
       pg_catalog.has_function_privilege('pg_catalog.pg_reload_conf()', 'EXECUTE') AS may_reload,
       pg_catalog.has_table_privilege('pg_catalog.pg_file_settings', 'SELECT')
         AND pg_catalog.has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'EXECUTE') AS may_read,
       (SELECT pg_catalog.array_agg(DISTINCT pg_catalog.concat_ws(' in ', 'role ' || r.rolname, 'database ' || d.datname)) FROM pg_catalog.pg_db_role_setting x
        LEFT JOIN pg_catalog.pg_roles r ON r.oid = x.setrole LEFT JOIN pg_catalog.pg_database d ON d.oid = x.setdatabase
        WHERE EXISTS (SELECT FROM pg_catalog.unnest(x.setconfig) c WHERE pg_catalog.split_part(c, '=', 1) = s.name)) AS elsewhere
FROM pg_catalog.pg_settings s WHERE pg_catalog.lower(s.name) = pg_catalog.lower(%s)`

// rightsSQL asks from version 15 on, which has rights on parameters; before,
// only a superuser may.
const (
	rightsSQL    = `SELECT pg_catalog.has_parameter_privilege(%[1]s, 'ALTER SYSTEM') AS alter, pg_catalog.has_parameter_privilege(%[1]s, 'SET') AS set`
	superuserSQL = `SELECT r.rolsuper AS alter, r.rolsuper AS set FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER`
)

// settingOf reads what an order asks for, with what the server says of the
// parameter. It refuses a value that the server would refuse.
func settingOf(ctx context.Context, ask asker, a action.Args) (setting, error) {
	name := a.Text("name")
	if !parameterName.MatchString(name) {
		return setting{}, action.Refuse("", "%q is no name of a parameter", name)
	}
	if why, no := untouchable[strings.ToLower(name)]; no {
		return setting{}, action.Refuse("", "%s is not set from here: %s", name, why)
	}
	r, err := ask(ctx, fmt.Sprintf(parameterSQL, quoteText(name)))
	if err != nil {
		return setting{}, err
	}
	if len(r.rows) == 0 {
		return setting{}, action.Refuse("parameters of an extension are known once it is loaded", "the server has no parameter %s", name)
	}
	row := r.first()
	s := setting{parameter: parameterOf(row), role: a.Text("role"), elsewhere: texts(row["elsewhere"])}
	asked := superuserSQL
	if num(row, "version") >= 150000 {
		asked = fmt.Sprintf(rightsSQL, quoteText(s.name))
	}
	may, err := ask(ctx, asked)
	if err != nil {
		return s, err
	}
	s.rights = rights{read: truth(row, "may_read"), reload: truth(row, "may_reload"), alter: truth(may.first(), "alter"), set: truth(may.first(), "set")}
	if a.Bool("reset") {
		return s, nil
	}
	value := a.Text("value")
	s.value = &value
	if _, err := s.canon(value); err != nil {
		return s, err
	}
	_, err = s.assignment(value)
	return s, err
}

func texts(v any) []string {
	items, _ := v.([]any)
	var out []string
	for _, item := range items {
		if text, ok := item.(string); ok {
			out = append(out, text)
		}
	}
	return out
}

// read finds what is written now.
func (s setting) read(ctx context.Context, ask asker) (written, error) {
	if s.role != "" {
		return s.readRole(ctx, ask)
	}
	return s.readFile(ctx, ask)
}

const roleSettingSQL = `
SELECT me.rolsuper OR me.rolcreaterole AND NOT r.rolsuper OR r.rolname = me.rolname AS may,
       (SELECT pg_catalog.substr(c, pg_catalog.length(%[1]s) + 2) FROM pg_catalog.pg_db_role_setting x, pg_catalog.unnest(x.setconfig) c
        WHERE x.setrole = r.oid AND x.setdatabase = 0 AND pg_catalog.split_part(c, '=', 1) = %[1]s) AS value
FROM pg_catalog.pg_roles r, pg_catalog.pg_roles me WHERE r.rolname = %[2]s AND me.rolname = CURRENT_USER`

func (s setting) readRole(ctx context.Context, ask asker) (written, error) {
	r, err := ask(ctx, fmt.Sprintf(roleSettingSQL, quoteText(s.name), quoteText(s.role)))
	if err != nil {
		return written{}, err
	}
	if len(r.rows) == 0 {
		return written{}, action.Refuse("", "there is no role %s", s.role)
	}
	w := written{row: r.first(), beneath: s.live}
	if text, ok := w.row["value"].(string); ok {
		w.here = &text
	}
	return w, nil
}

// fileSQL reads the configuration files as they are now, which may be ahead of
// what the server runs with. Later lines win.
const fileSQL = `
SELECT f.name AS written_name, f.setting, f.sourcefile, f.sourceline, f.error, s.name, s.context, s.vartype, s.unit, s.min_val, s.max_val, s.enumvals,
       s.source, s.reset_val AS live, s.boot_val, s.pending_restart
FROM pg_catalog.pg_file_settings f LEFT JOIN pg_catalog.pg_settings s ON pg_catalog.lower(s.name) = pg_catalog.lower(f.name) ORDER BY f.seqno`

// autoConf is the file that ALTER SYSTEM writes.
const autoConf = "postgresql.auto.conf"

func (s setting) readFile(ctx context.Context, ask asker) (written, error) {
	if err := s.readable(); err != nil {
		return written{}, err
	}
	r, err := ask(ctx, fileSQL)
	if err != nil {
		return written{}, err
	}
	w := written{beneath: s.boot}
	last := map[string]map[string]any{}
	for _, row := range r.rows {
		if str(row, "written_name") == "" && str(row, "error") != "" {
			w.broken = fmt.Sprintf("line %.0f of %s: %s", num(row, "sourceline"), path.Base(str(row, "sourcefile")), str(row, "error"))
			continue
		}
		name, text := str(row, "name"), str(row, "setting")
		last[name] = row
		switch {
		case name != s.name:
		case path.Base(str(row, "sourcefile")) == autoConf:
			w.here = &text
		default:
			w.beneath = text
		}
	}
	w.unloaded = unloaded(last, s.name)
	return w, nil
}

// unloaded names the other parameters that are written and that the server
// does not run with: a reload takes them up too.
func unloaded(last map[string]map[string]any, besides string) []string {
	var names []string
	for name, row := range last {
		p := parameterOf(row)
		fromFile := p.source == "configuration file" || p.source == "default"
		if name == "" || name == besides || !fromFile || p.context == "postmaster" || p.context == "internal" {
			continue
		}
		if !p.runs(str(row, "setting")) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// runs reports whether sessions get a value: the server writes some texts in
// another form than they were given.
func (p parameter) runs(value string) bool {
	want, err := p.canon(value)
	live, errLive := p.canon(p.live)
	if err != nil || errLive != nil {
		return false
	}
	plain := func(text string) string { return strings.ToLower(strings.ReplaceAll(text, " ", "")) }
	return want == live || p.vartype == "string" && plain(want) == plain(live)
}

// loaded reports whether what is written holds, as far as that can be seen.
// former is what was written before a reset.
func (s setting) loaded(w written, former *string) bool {
	switch {
	case s.role != "", s.needsRestart(), s.overridden():
		return true
	case s.value != nil:
		return s.runs(*s.value)
	case former == nil:
		return true
	}
	return s.runs(w.beneath) || !s.runs(*former)
}

func (s setting) needsRestart() bool { return s.role == "" && s.context == "postmaster" }

// overridden reports whether our own session has a value of its own, which
// hides the server's.
func (s setting) overridden() bool {
	return !slices.Contains([]string{"default", "configuration file", "environment variable", "command line", "override"}, s.source)
}
