package nginx

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

func restoreSpec() action.Spec {
	return action.Spec{
		Name: "nginx.restore", Risk: action.R2,
		Does:  "Puts a former text of a configuration file back, byte for byte, and loads it. It is the undo of the other changes, and refused where the file was changed since.",
		Undo:  "puts back the text that it replaced",
		Tells: "the file's digest, and workers that are younger than the file",
		Params: []probe.Param{
			{Name: "file", Type: probe.Text, About: "path of the file"},
			{Name: "written", Type: probe.Text, About: "digest of the text that is to go (sha256:…), or none"},
			{Name: "former", Type: probe.Text, About: "digest of the text that is to come back, or none to remove the file"},
		},
	}
}

func (t *target) proposeRestore(tree *tree, args action.Args) (proposal, error) {
	path, written, former := args.Text("file"), args.Text("written"), args.Text("former")
	if err := t.ours(tree, path, former == none || written == none); err != nil {
		return proposal{}, err
	}
	now, name, err := tree.current(path)
	if err != nil {
		return proposal{}, err
	}
	p := proposal{
		path: path, former: now, undo: "puts back the text that is there now", already: name == former,
		summary: "puts the former text of " + path + " back",
		item:    action.Item{ID: path, Now: "text " + short(name), Then: "text " + short(former)},
	}
	if p.already {
		p.next = now
		return p, nil
	}
	if p.next, err = t.bring(former); err != nil {
		return p, action.Refuse("mend the file by hand", "%s", err)
	}
	if name != written {
		hint := "look at it and change it by hand"
		if was, err := t.bring(written); err == nil {
			hint = "its changes since:\n" + t.tools.Redact.Text(difference(was, now))
		}
		return p, action.Refuse(hint, "%s was changed since quell wrote it", path)
	}
	p.item.Now, p.item.Then = p.item.Now+", which quell wrote", p.item.Then+", which was there before"
	return p, nil
}

// ours refuses files that are no part of the configuration. One that comes or
// goes as a whole has to be a snippet of ours.
func (t *target) ours(tree *tree, path string, whole bool) error {
	snippet := t.config.Snippets != "" && filepath.Dir(path) == realPath(t.config.Snippets) && strings.HasPrefix(filepath.Base(path), snippetPrefix)
	part := slices.ContainsFunc(tree.files, func(f *file) bool { return f.path == path })
	if !snippet && (whole || !part) {
		return action.Refuse("", "%q is no file of this configuration that quell could have written", path)
	}
	return nil
}

// short is a digest for a person.
func short(digest string) string {
	const digits = 12
	if hex, ok := strings.CutPrefix(digest, "sha256:"); ok && len(hex) > digits {
		return hex[:digits]
	}
	return digest
}
