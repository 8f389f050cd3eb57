package redis

import (
	"context"
	"fmt"
	"strings"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

// language is the fence language "redis".
func language() connector.Language {
	return connector.Language{Name: "redis", Shape: probe.Rows, Check: checkFence}
}

// checkFence says, without a server, what is wrong with a fence.
func checkFence(text probe.Template, _ map[string]string) []connector.Problem {
	lines, problems := split(text)
	for _, l := range lines {
		args := make([]argText, len(l.words))
		for i, w := range l.words {
			s, ok := w.literal()
			args[i] = argText{text: s, hole: !ok}
		}
		problems = append(problems, judgeStatic(args, l.offset)...)
	}
	return problems
}

func judgeStatic(args []argText, offset int) []connector.Problem {
	name, rest, ok := splitName(args)
	if !ok {
		return []connector.Problem{{Offset: offset, Text: "the name of a command cannot stand in ${…}: write it out"}}
	}
	r, known := ruleFor(name)
	switch {
	case !known:
		return []connector.Problem{{Offset: offset, Warning: true,
			Text: strings.ToUpper(name) + " is not in our table: it will be sent only if the server's own table flags it readonly"}}
	case r.refuse != "":
		return []connector.Problem{{Offset: offset, Text: r.refuse}}
	case r.bound != nil:
		if why := r.bound(rest); why != "" {
			return []connector.Problem{{Offset: offset, Text: strings.ToUpper(name) + ": " + why}}
		}
	}
	return nil
}

// askFence answers a redis fence: one row a command, in order.
func (t *target) askFence(ctx context.Context, q probe.Question) evidence.Answer {
	lines, problems := split(q.Text)
	if len(problems) > 0 {
		return evidence.Not(evidence.Invalid, problems[0].Text, "")
	}
	cmds := make([][]any, 0, len(lines))
	for _, l := range lines {
		var args []argText
		for i, w := range l.words {
			texts, err := w.fill()
			if err != nil {
				return evidence.Not(evidence.Invalid, err.Error(), "")
			}
			if _, literal := w.literal(); i == 0 && !literal {
				return evidence.Not(evidence.Refused, "the name of a command cannot stand in ${…}", "")
			}
			for _, s := range texts {
				args = append(args, argText{text: s})
			}
		}
		if a := t.prove(ctx, args); a != nil {
			return *a
		}
		cmds = append(cmds, anys(args))
	}
	replies, err := t.client.do(ctx, cmds...)
	if err != nil {
		return t.client.answer("ask "+commandName(cmds[0]), err)
	}
	return t.fenceRows(cmds, replies)
}

func anys(args []argText) []any {
	out := make([]any, len(args))
	for i, a := range args {
		out[i] = a.text
	}
	return out
}

// fenceRows makes the rows. Where not one command got a value, the first
// refusal is the answer; otherwise each row says for itself.
func (t *target) fenceRows(cmds [][]any, replies []redisapi.Reply) evidence.Answer {
	rows := make([]any, len(cmds))
	var notes []string
	failed := 0
	limit := t.client.gate.Limits().Rows
	for i, r := range replies {
		value := hideSettings(cmds[i], r.Val)
		if list, ok := value.([]any); ok && len(list) > limit {
			value = list[:limit]
			notes = append(notes, fmt.Sprintf("%s: cut at %d of %d items", commandName(cmds[i]), limit, len(list)))
		}
		row := map[string]any{"command": written(cmds[i]), "value": value, "error": nil}
		if r.Err != "" {
			failed++
			row["error"] = r.Err
		}
		rows[i] = row
	}
	if failed == len(cmds) {
		return redisapi.Refused(commandName(cmds[0]), replies[0].Err, t.client.at)
	}
	return evidence.Of(rows, notes...)
}

// commandName is the command with its subcommand, without arguments.
func commandName(cmd []any) string {
	return strings.ToUpper(strings.ReplaceAll(statName(cmd), "|", " "))
}

func written(cmd []any) string {
	words := make([]string, len(cmd))
	for i, w := range cmd {
		words[i] = fmt.Sprint(w)
	}
	return redisapi.Clip(strings.Join(words, " "))
}

// hideSettings takes passwords out of a CONFIG GET.
func hideSettings(cmd []any, value any) any {
	if statName(cmd) != "config|get" {
		return value
	}
	list, ok := value.([]any)
	if !ok {
		return value
	}
	for i := 0; i+1 < len(list); i += 2 {
		if name, _ := list[i].(string); isSecretSetting(name) && list[i+1] != "" {
			list[i+1] = "(hidden)"
		}
	}
	return list
}

func isSecretSetting(name string) bool {
	return strings.Contains(name, "pass") || strings.Contains(name, "masterauth") || strings.Contains(name, "secret")
}
