package postgres

import (
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/secret"
)

// readable refuses where nobody could say what was written before: then an
// undo would be a guess.
func (s setting) readable() error {
	if s.rights.read {
		return nil
	}
	return action.Refuse("GRANT SELECT ON pg_file_settings TO our role, and GRANT EXECUTE ON FUNCTION pg_show_all_file_settings() TO our role",
		"our role may not read what is written for %s, so that it could not be put back", s.name)
}

// shapes knows what secrets look like.
var shapes = &secret.Redactor{}

// refuse says why a setting cannot be changed here.
func (s setting) refuse(w written) error {
	if s.context == "internal" {
		return action.Refuse("", "%s cannot be set: it was fixed when the server or its data were made", s.name)
	}
	for _, value := range []*string{s.value, w.here} {
		if value != nil && shapes.Text(*value) != *value {
			return action.Refuse("change it by hand", "the value of %s looks like a secret, which no plan may hold", s.name)
		}
	}
	if s.role != "" {
		return s.refuseRole(w)
	}
	switch {
	case s.source == "command line":
		return action.Refuse("change how the server is started", "%s is set on the server's command line, which wins over what is written", s.name)
	case s.source == "environment variable":
		return action.Refuse("change how the server is started", "%s is set by the server's environment", s.name)
	case w.broken != "":
		return action.Refuse("mend the file", "the server would not take up a reload: %s", w.broken)
	case !s.rights.alter:
		return action.Refuse("GRANT ALTER SYSTEM ON PARAMETER "+s.name+" TO our role (15 and later; before, a superuser)", "our role may not set %s", s.name)
	case !s.rights.reload:
		return action.Refuse("GRANT EXECUTE ON FUNCTION pg_reload_conf() TO our role", "our role may not reload the configuration")
	}
	return nil
}

func (s setting) refuseRole(w written) error {
	switch {
	case s.context == "postmaster", s.context == "sighup":
		return action.Refuse("set it for the server: leave role out", "%s is the same for all roles", s.name)
	case !truth(w.row, "may"):
		return action.Refuse("ALTER ROLE … CREATEROLE for our role, or ask an administrator", "our role may not alter role %s", s.role)
	case strings.HasPrefix(s.context, "superuser") && !s.rights.set:
		return action.Refuse("GRANT SET ON PARAMETER "+s.name+" TO our role (15 and later; before, a superuser)", "our role may not set %s for others", s.name)
	}
	return nil
}

// when says from when on a value holds.
func (s setting) when() string {
	switch {
	case s.needsRestart():
		return ", after the next restart"
	case s.role != "", strings.HasSuffix(s.context, "backend"):
		return ", in sessions opened from then on"
	}
	return ""
}

func (s setting) warnings(w written) []string {
	var out []string
	if s.needsRestart() {
		out = append(out, s.name+" needs a restart of the server: until then it is written and waits")
	}
	if s.role != "" {
		return append(out, "sessions that are open keep what they have")
	}
	if len(s.elsewhere) > 0 {
		out = append(out, "a value of its own wins for "+strings.Join(s.elsewhere, ", "))
	}
	if len(w.unloaded) > 0 {
		out = append(out, "the reload also takes up what somebody has written: "+strings.Join(w.unloaded, ", "))
	}
	return out
}
