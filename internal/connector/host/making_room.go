package host

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/quellhq/quell/internal/action"
)

// packedSuffix is what a packed file is called behind its name.
const packedSuffix = ".gz"

// applyFree does one file after another. What was copied is checked, and who
// has it open is asked again, before the original goes.
func applyFree(ctx context.Context, t *target, o action.Order, items []action.Item) (action.Done, error) {
	m, err := t.method(o.Args.Text("method"))
	if err != nil {
		return action.Done{}, action.Not("%s", err)
	}
	results := map[string]error{}
	for _, i := range items {
		if err := ctx.Err(); err != nil {
			results[i.ID] = err
			continue
		}
		results[i.ID] = t.makeRoom(ctx, m, o, i)
	}
	standing, err := freeStands(context.WithoutCancel(ctx), t, o)
	if err != nil {
		return action.Done{}, err
	}
	text := firstFailure(items, results)
	switch standing.State {
	case action.Made:
		return *standing.Done, nil
	case action.NotMade:
		return action.Done{}, action.Not("nothing was freed%s", text)
	case action.PartlyMade:
		if text == "" { // the others were gone before, or left alone
			return *standing.Done, nil
		}
		return action.Done{}, &action.Failure{State: action.PartlyMade, Text: standing.Text + text, Done: standing.Done}
	}
	return action.Done{}, errors.New(standing.Text + text)
}

func firstFailure(items []action.Item, results map[string]error) string {
	for _, i := range items {
		if err := results[i.ID]; err != nil {
			return fmt.Sprintf("; %s: %s", i.ID, reason(err))
		}
	}
	return ""
}

// makeRoom does one file.
func (t *target) makeRoom(ctx context.Context, m method, o action.Order, i action.Item) error {
	dir := within(i.ID, t.config.MayClean)
	if dir == "" {
		return errors.New("it lies in no directory that may be cleaned")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	rel := strings.TrimPrefix(i.ID, dir+"/")
	src, f, err := openSame(root, dir, rel, m, i.Guard)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }()
	switch o.Args.Text("method") {
	case "move":
		if err := t.keepCopy(ctx, src, f, o.Key); err != nil {
			return err
		}
	case "compress":
		return t.pack(ctx, root, src, f, o.Key)
	case "truncate":
		if t.config.Quarantine != "" {
			if err := t.keepCopy(ctx, src, f, o.Key); err != nil {
				return err
			}
		}
		return empty(root, f)
	}
	return t.remove(ctx, root, f)
}

// openSame opens a file and checks with the file in hand that it is the one
// that was approved.
func openSame(root *os.Root, dir, rel string, m method, guard string) (*os.File, file, error) {
	src, err := root.OpenFile(rel, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, file{}, err
	}
	info, err := src.Stat()
	if err == nil {
		if f, ok := fileOf(dir, rel, info); ok && m.guard(f) == guard {
			return src, f, nil
		}
		err = errors.New("it has changed since this was approved")
	}
	_ = src.Close()
	return nil, file{}, err
}

// remove takes a file away when it is still the same and nobody has it open.
func (t *target) remove(ctx context.Context, root *os.Root, f file) error {
	if users, err := t.openersBut(ctx, f); err != nil {
		return err
	} else if len(users) > 0 {
		return fmt.Errorf("%s has opened it meanwhile", users[0])
	}
	info, err := root.Lstat(f.rel)
	if err != nil {
		return err
	}
	if now, ok := fileOf(f.dir, f.rel, info); !ok || now.guard() != f.guard() {
		return errors.New("it has changed meanwhile")
	}
	return root.Remove(f.rel)
}

// openersBut finds who has a file open besides ourselves.
func (t *target) openersBut(ctx context.Context, f file) ([]opener, error) {
	all, err := t.openers(ctx, []file{f})
	var out []opener
	for _, u := range all[f.id] {
		if u.pid != os.Getpid() {
			out = append(out, u)
		}
	}
	return out, err
}

// empty cuts a file to nothing where it is, so that whoever writes it goes on.
func empty(root *os.Root, f file) error {
	w, err := root.OpenFile(f.rel, os.O_WRONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer func() { _ = w.Close() }()
	info, err := w.Stat()
	if err != nil {
		return err
	}
	if now, ok := fileOf(f.dir, f.rel, info); !ok || now.id != f.id {
		return errors.New("it has changed meanwhile")
	}
	return w.Truncate(0)
}

// pack writes a packed copy beside a file, and takes the file away.
func (t *target) pack(ctx context.Context, root *os.Root, src *os.File, f file, key string) error {
	part := filepath.Join(filepath.Dir(f.rel), "."+filepath.Base(f.rel)+"."+key+".part")
	err := write(root, part, f, func(w io.Writer) error {
		z, err := gzip.NewWriterLevel(w, gzip.DefaultCompression)
		if err != nil {
			return err
		}
		z.Name, z.ModTime = filepath.Base(f.rel), f.changed
		if _, err := io.Copy(z, reader{ctx, src}); err != nil {
			return err
		}
		return z.Close()
	})
	if err == nil {
		err = shrunk(root, part, f)
	}
	if err == nil {
		_, taken := root.Lstat(f.rel + packedSuffix)
		if taken == nil {
			err = errors.New("there is a packed file of that name already")
		}
	}
	if err == nil {
		err = root.Rename(part, f.rel+packedSuffix)
	}
	if err != nil {
		_ = root.Remove(part)
		return err
	}
	if err := t.remove(ctx, root, f); err != nil {
		_ = root.Remove(f.rel + packedSuffix)
		return err
	}
	return nil
}

// shrunk refuses a packed file that frees next to nothing.
func shrunk(root *os.Root, part string, f file) error {
	info, err := root.Lstat(part)
	if err != nil {
		return err
	}
	if info.Size() > f.size*95/100 {
		return errors.New("it does not get smaller by packing")
	}
	return nil
}

// write makes a file with the contents, times, mode and owner of another. It
// is on the disk when write returns; where it fails nothing of it is left.
func write(root *os.Root, rel string, like file, fill func(io.Writer) error) error {
	w, err := root.OpenFile(rel, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	err = fill(w)
	if err == nil && os.Geteuid() == 0 {
		err = w.Chown(int(like.uid), int(like.gid))
	}
	if err == nil {
		err = w.Chmod(like.mode) // behind Chown, which takes some of it away
	}
	if err == nil {
		err = w.Sync()
	}
	err = errors.Join(err, w.Close())
	if err == nil {
		err = root.Chtimes(rel, like.changed, like.changed)
	}
	if err != nil {
		_ = root.Remove(rel)
	}
	return err
}

// reader stops reading when the time is over.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
