package host

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

func freeChange() change {
	return change{
		spec: action.Spec{
			Name: "host.free_disk", Risk: action.R2,
			Does:     "Makes room on a disk with files that may go, in the directories that the target allows: moves them to another file system, packs them, empties or deletes them. Files in use are left alone, but for emptying.",
			Undo:     "moved files are moved back, packed ones are unpacked; what was emptied or deleted is gone (a copy of an emptied file stays in the quarantine, where one is set)",
			Tells:    "the files are in the quarantine, packed, empty or gone",
			Destroys: "what the files say, where they are emptied or deleted",
			Captures: []string{"host.disk", "host.files"},
			Params: []probe.Param{
				{Name: "paths", Type: probe.List, About: "files, or patterns of them: /var/log/app/*.log.?; * stands for one name or a part of it"},
				{Name: "older_than", Type: probe.Duration, Default: "24h", About: "only files that nobody has changed for so long"},
				{Name: "method", Type: probe.Text, Default: "move", About: "move (to the quarantine, on another file system), compress, truncate or delete"},
				action.ForParam(),
			},
		},
		plan: planFree, stands: freeStands, apply: applyFree,
	}
}

// method is one way of making room.
type method struct {
	risk    action.Risk
	then    string
	undo    bool
	inUse   bool // files that are open may be done too
	leaves  bool // the file itself stays
	destroy string
}

// methods are the ways of making room. Moving within one file system is none:
// it frees nothing.
func (t *target) method(name string) (method, error) {
	quarantined := t.config.Quarantine != ""
	switch name {
	case "move":
		if !quarantined {
			return method{}, action.Refuse("set quarantine, or use method compress", "moving needs a quarantine directory on another file system")
		}
		return method{then: "moved to " + t.config.Quarantine, undo: true}, nil
	case "compress":
		return method{then: "packed", undo: true}, nil
	case "truncate":
		if quarantined {
			return method{risk: action.R3, then: "emptied, after a copy to " + t.config.Quarantine, inUse: true, leaves: true, destroy: "what is written between the copy and the emptying"}, nil
		}
		return method{risk: action.R4, then: "emptied", inUse: true, leaves: true, destroy: "what the files say"}, nil
	case "delete":
		return method{risk: action.R4, then: "deleted", destroy: "what the files say"}, nil
	}
	return method{}, action.Refuse("move, compress, truncate or delete", "there is no method %q", name)
}

// grown is the guard of a file that is written while one looks at it: the same
// file, at least so large. Its size is rounded down to a power of two, so that
// it may grow without being taken for another.
func (f file) grown() string {
	least := int64(1)
	for least*2 <= f.size {
		least *= 2
	}
	return fmt.Sprintf("device %d inode %d user %d at least %d bytes", f.id.device, f.id.inode, f.uid, least)
}

func (m method) guard(f file) string {
	if m.leaves {
		return f.grown()
	}
	return f.guard()
}

func planFree(ctx context.Context, t *target, a action.Args) (action.Preview, error) {
	m, err := t.method(a.Text("method"))
	if err != nil {
		return action.Preview{}, err
	}
	if len(a.List("paths")) == 0 {
		return action.Preview{}, action.Undeclared("name them in the parameter of the playbook (params: {may_go: [/var/log/app/*.log.?]})", "nobody has said which files may go")
	}
	found, err := t.matching(ctx, a.List("paths"))
	if err != nil {
		return action.Preview{}, err
	}
	chosen, warnings, err := t.choose(ctx, m, a, found)
	if err != nil {
		return action.Preview{}, err
	}
	p := action.Preview{MayShrink: true, Risk: m.risk, Warnings: warnings, Destroys: m.destroy}
	if len(chosen) == 0 {
		p.Already, p.Summary = true, fmt.Sprintf("none of %d files may go", len(found))
		return p, nil
	}
	var total int64
	for _, f := range chosen {
		total += f.takes
		p.Items = append(p.Items, action.Item{
			ID: f.path(), Then: m.then, Guard: m.guard(f),
			Now: fmt.Sprintf("%s, last changed %s", size(f.takes), f.changed.UTC().Format("2006-01-02 15:04")),
		})
	}
	if err := t.fits(a.Text("method"), chosen, total); err != nil {
		return p, err
	}
	p.Summary = fmt.Sprintf("%s of %s: %s", a.Text("method"), count(len(chosen), "file"), size(total))
	p.Warnings = append(p.Warnings, t.deletedButOpen(ctx)...)
	if m.undo {
		p.Undo, p.Lasts = freeChange().spec.Undo, a.Duration("for")
	}
	return p, nil
}

// choose keeps the files that may go, the largest first where there are too
// many, and says why others may not.
func (t *target) choose(ctx context.Context, m method, a action.Args, found []file) ([]file, []string, error) {
	since := t.tools.Now().Add(-a.Duration("older_than"))
	var old []file
	young := 0
	for _, f := range found {
		switch {
		case f.takes == 0:
		case f.changed.After(since):
			young++
		default:
			old = append(old, f)
		}
	}
	users, err := t.openers(ctx, old)
	if err != nil {
		return nil, nil, err
	}
	left := map[string][]file{}
	var chosen []file
	for _, f := range old {
		if why := t.untouchable(m, f, users[f.id]); why != "" {
			left[why] = append(left[why], f)
			continue
		}
		chosen = append(chosen, f)
	}
	var warnings []string
	if young > 0 {
		warnings = append(warnings, fmt.Sprintf("%s younger than %s: left alone", count(young, "file"), a.Text("older_than")))
	}
	for why, files := range left {
		warnings = append(warnings, fmt.Sprintf("%s left alone, %s first: %s", count(len(files), "file"), files[0].path(), why))
	}
	slices.Sort(warnings)
	if len(chosen) > mostFiles {
		warnings = append(warnings, fmt.Sprintf("%d files may go; this takes the %d largest", len(chosen), mostFiles))
		slices.SortStableFunc(chosen, func(a, b file) int { return int(b.takes>>10) - int(a.takes>>10) })
		chosen = chosen[:mostFiles]
		slices.SortFunc(chosen, func(a, b file) int { return strings.Compare(a.path(), b.path()) })
	}
	return chosen, append(warnings, writers(m, chosen, users)...), nil
}

// untouchable says why a file must be left alone.
func (t *target) untouchable(m method, f file, users []opener) string {
	for _, u := range users {
		switch {
		case u.pid == os.Getpid() || u.comm == "quell":
			return "quell itself uses it"
		case !m.inUse:
			return u.String() + " has it open; method truncate empties it where it is"
		}
	}
	if f.shared {
		return "it has other names, and would go on taking its room"
	}
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return reason(err)
	}
	defer func() { _ = root.Close() }()
	if database(root, f.rel) {
		return "it is a database"
	}
	if _, err := root.Lstat(f.rel + packedSuffix); err == nil && m.then == "packed" {
		return "there is a packed file of that name already"
	}
	if m.then == "packed" && strings.HasSuffix(f.rel, packedSuffix) {
		return "it is packed already"
	}
	return ""
}

// writers warns of programs that do not write at the end of a file, whatever
// that is: they go on where they were, behind a hole.
func writers(m method, chosen []file, users map[fileID][]opener) []string {
	var out []string
	for _, f := range chosen {
		for _, u := range users[f.id] {
			if m.inUse && !u.appends {
				out = append(out, fmt.Sprintf("%s does not append to %s: it goes on at its place, and the file looks as long as before, with a hole", u, f.path()))
			}
		}
	}
	return out
}

// fits checks that what is made of the files has room.
func (t *target) fits(method string, chosen []file, total int64) error {
	if t.config.Quarantine == "" || method != "move" && method != "truncate" {
		return nil
	}
	info, err := os.Stat(t.config.Quarantine)
	if err != nil {
		return action.Refuse("make it, readable for nobody else", "the quarantine %s: %s", t.config.Quarantine, reason(err))
	}
	into, _ := factsOf(info)
	for _, f := range chosen {
		if f.id.device == into.id.device {
			return action.Refuse("set quarantine to a directory on another one", "%s lies on the same file system as the quarantine: moving it frees nothing", f.path())
		}
	}
	room, err := statMount(t.config.Quarantine)
	if err != nil {
		return fmt.Errorf("look at the room in %s: %w", t.config.Quarantine, err)
	}
	if float64(total) > room.available*0.95 {
		return action.Refuse("", "the quarantine has %s left, and the files take %s", size(int64(room.available)), size(total))
	}
	return nil
}

// deletedButOpen names those who hold room that no file shows, of what was
// deleted in the allowed directories; host.files shows the others.
func (t *target) deletedButOpen(ctx context.Context) []string {
	procs, err := t.sys.processes(ctx)
	if err != nil {
		return nil
	}
	found, _, _, err := t.sys.deleted(ctx, procs)
	if err != nil {
		return nil
	}
	slices.SortStableFunc(found, func(a, b deletedFile) int { return int(b.bytes>>10) - int(a.bytes>>10) })
	var out []string
	for _, f := range found {
		if len(out) < 3 && f.bytes >= worthNaming && within(f.path, t.config.MayClean) != "" {
			out = append(out, fmt.Sprintf("process %d (%s) holds %s of a deleted file, %s: only its reload or restart frees them", f.pid, f.comm, size(f.bytes), f.path))
		}
	}
	return out
}

// worthNaming is the least size of a deleted file that is told of, in bytes.
const worthNaming = 10 << 20
