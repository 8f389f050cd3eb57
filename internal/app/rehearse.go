package app

import (
	"io/fs"
	"os"
	"regexp"

	"github.com/quellhq/quell/internal/rehearsal"
)

// Rehearsed is one case, played.
type Rehearsed struct {
	Path     string   `json:"path"`
	Story    string   `json:"story"`
	Failures []string `json:"failures"` // what was expected and did not come
	Error    string   `json:"error,omitempty"`
	First    string   `json:"first,omitempty"` // the id of the first root
	Names    []string `json:"names"`           // ids of all conditions that the case expects something of
}

// OK reports whether the case came out as expected.
func (r Rehearsed) OK() bool { return len(r.Failures) == 0 && r.Error == "" }

// Rehearse plays the cases of a directory of playbooks whose path matches
// only (nil: all).
func Rehearse(dir string, only *regexp.Regexp) ([]Rehearsed, error) {
	book, err := LoadDirectory(dir)
	if err != nil {
		return nil, err
	}
	files := os.DirFS(dir)
	paths, err := rehearsal.Find(files)
	if err != nil {
		return nil, err
	}
	var played []Rehearsed
	for _, p := range paths {
		if only != nil && !only.MatchString(p) {
			continue
		}
		r := Rehearsed{Path: p}
		data, err := fs.ReadFile(files, p)
		if err != nil {
			return nil, err
		}
		c, err := rehearsal.Parse(p, data)
		if err != nil {
			r.Error = err.Error()
			played = append(played, r)
			continue
		}
		r.Story = c.Story
		out, err := rehearsal.Play(book, c)
		if err != nil {
			r.Error = err.Error()
		}
		r.Failures = out.Failures
		r.First = out.Diagnosis.First()
		r.Names = c.Names()
		played = append(played, r)
	}
	return played, nil
}
