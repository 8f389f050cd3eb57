package host

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

func restoreChange() change {
	return change{
		spec: action.Spec{
			Name: "host.restore_files", Risk: action.R2,
			Does:  "Brings files back that host.free_disk has moved to the quarantine, or packed. A file that is there again is left alone.",
			Tells: "the files are in their places, and no longer in the quarantine or packed",
			Params: []probe.Param{
				{Name: "batch", Type: probe.Text, Default: `""`, About: "the directory in the quarantine that the files were moved to together"},
				{Name: "packed", Type: probe.List, Default: `""`, About: "paths of files that were packed, without .gz"},
			},
		},
		plan: planRestore, stands: restoreStands, apply: applyRestore,
	}
}

// stored is a file that can be brought back.
type stored struct {
	at   file   // where it lies
	path string // where it belongs
}

// batchName is what an order's key looks like.
var batchName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,99}$`)

// storedFiles finds what an order has put away.
func (t *target) storedFiles(a action.Args) ([]stored, error) {
	batch, packed := a.Text("batch"), a.List("packed")
	switch {
	case (batch == "") == (len(packed) == 0):
		return nil, action.Refuse("", "either batch or packed says which files are meant")
	case batch != "":
		return t.batch(batch)
	}
	var out []stored
	for _, p := range packed {
		path, _ := p.(string)
		at, there, err := t.current(path + packedSuffix)
		if err != nil {
			return nil, action.Refuse("", "%s", err)
		}
		if there {
			out = append(out, stored{at: at, path: path})
		}
	}
	return out, nil
}

// batch lists what lies in one directory of the quarantine.
func (t *target) batch(name string) (out []stored, err error) {
	if t.config.Quarantine == "" || !batchName.MatchString(name) {
		return nil, action.Refuse("", "there is no batch %q: the target has no quarantine, or it is no such name", name)
	}
	root, err := os.OpenRoot(t.config.Quarantine)
	if err != nil {
		return nil, fmt.Errorf("open the quarantine: %w", err)
	}
	defer func() { _ = root.Close() }()
	err = fs.WalkDir(root.FS(), name, func(rel string, d fs.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) && rel == name {
			return nil
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := root.Lstat(rel)
		if err != nil {
			return err
		}
		f, ok := fileOf(t.config.Quarantine, rel, info)
		path := strings.TrimPrefix(rel, name)
		if !ok || within(path, t.config.MayClean) == "" {
			return nil
		}
		if out = append(out, stored{at: f, path: path}); len(out) > mostFiles {
			return action.Refuse("", "batch %s has more than %d files", name, mostFiles)
		}
		return nil
	})
	return out, err
}

func planRestore(_ context.Context, t *target, a action.Args) (action.Preview, error) {
	found, err := t.storedFiles(a)
	if err != nil {
		return action.Preview{}, err
	}
	p := action.Preview{MayShrink: true}
	for _, s := range found {
		_, there, err := t.current(s.path)
		if err != nil {
			return p, action.Refuse("", "%s", err)
		}
		if there {
			p.Warnings = append(p.Warnings, s.path+" is there again: what was put away stays where it is")
			continue
		}
		p.Items = append(p.Items, action.Item{ID: s.path, Now: size(s.at.size) + " at " + s.at.path(), Then: "back in its place", Guard: s.at.guard()})
	}
	if len(p.Items) == 0 {
		p.Already, p.Summary = true, "nothing is left to bring back"
		return p, nil
	}
	p.Summary = "brings " + count(len(p.Items), "file") + " back"
	return p, nil
}

func restoreStands(_ context.Context, t *target, o action.Order) (action.Standing, error) {
	found, err := t.storedFiles(o.Args)
	if err != nil {
		return action.Standing{}, err
	}
	left := map[string]bool{}
	for _, s := range found {
		left[s.path] = true
	}
	done := action.Done{}
	back := 0
	for _, i := range o.Preview.Items {
		_, there, err := t.current(i.ID)
		if err != nil {
			return action.Standing{}, err
		}
		r := action.Result{ID: i.ID, OK: there && !left[i.ID], Text: "back in its place"}
		if r.OK {
			back++
		} else {
			r.Text = "not brought back"
		}
		done.Items = append(done.Items, r)
	}
	done.Summary = fmt.Sprintf("%d of %s back", back, count(len(done.Items), "file"))
	return summed(done), nil
}

func applyRestore(ctx context.Context, t *target, o action.Order, items []action.Item) (action.Done, error) {
	found, err := t.storedFiles(o.Args)
	if err != nil {
		return action.Done{}, action.Not("%s", err)
	}
	byPath := map[string]stored{}
	for _, s := range found {
		byPath[s.path] = s
	}
	results := map[string]error{}
	for _, i := range items {
		results[i.ID] = t.bringBack(ctx, byPath[i.ID], i)
	}
	standing, err := restoreStands(ctx, t, o)
	if err != nil {
		return action.Done{}, err
	}
	text := firstFailure(items, results)
	switch standing.State {
	case action.Made:
		return *standing.Done, nil
	case action.PartlyMade:
		return action.Done{}, &action.Failure{State: action.PartlyMade, Text: standing.Text + text, Done: standing.Done}
	}
	return action.Done{}, action.Not("nothing was brought back%s", text)
}

// bringBack puts one file into its place, and then takes away what was kept.
func (t *target) bringBack(ctx context.Context, s stored, i action.Item) error {
	from, err := os.OpenRoot(s.at.dir)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	src, err := from.OpenFile(s.at.rel, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }()
	info, err := src.Stat()
	if err != nil {
		return err
	}
	if f, ok := fileOf(s.at.dir, s.at.rel, info); !ok || f.guard() != i.Guard {
		return errors.New("it has changed since this was approved")
	}
	dir := within(s.path, t.config.MayClean)
	to, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = to.Close() }()
	if err := write(to, strings.TrimPrefix(s.path, dir+"/"), s.at, func(w io.Writer) error { return unpacked(ctx, w, src, s) }); err != nil {
		return err
	}
	return from.Remove(s.at.rel)
}

// unpacked copies a file, and unpacks it where it was packed.
func unpacked(ctx context.Context, w io.Writer, src io.Reader, s stored) error {
	src = reader{ctx, src}
	if filepath.Base(s.at.rel) == filepath.Base(s.path)+packedSuffix {
		z, err := gzip.NewReader(src)
		if err != nil {
			return err
		}
		src = z
	}
	_, err := io.Copy(w, src)
	return err
}
