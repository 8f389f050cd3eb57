package redisapi

import (
	"fmt"
	"strings"
)

// Said is the refusal of one command by the server itself: it did nothing.
type Said struct {
	Command string // "CONFIG SET"
	Text    string // "NOPERM this user has no permissions to run the 'config|set' command"
}

func (s *Said) Error() string { return s.Command + ": " + s.Text }

// Word is the first word of what was said: "NOPERM", "MISCONF", "OOM".
func (s *Said) Word() string {
	word, _, _ := strings.Cut(s.Text, " ")
	return word
}

// Said is r's refusal as an error; nil where there was none. cmd is the command
// that r answers.
func (r Reply) Said(cmd []any) error {
	if r.Err == "" {
		return nil
	}
	return &Said{Command: CommandName(cmd), Text: r.Err}
}

// subcommands are the commands whose second word names what they do.
var subcommands = map[string]bool{
	"ACL": true, "CLIENT": true, "CLUSTER": true, "COMMAND": true, "CONFIG": true, "FUNCTION": true, "LATENCY": true,
	"MEMORY": true, "OBJECT": true, "PUBSUB": true, "SCRIPT": true, "SLOWLOG": true,
}

// CommandName is what a command is called, without its arguments.
func CommandName(cmd []any) string {
	name := strings.ToUpper(fmt.Sprint(cmd[0]))
	if subcommands[name] && len(cmd) > 1 {
		name += " " + strings.ToUpper(fmt.Sprint(cmd[1]))
	}
	return name
}
