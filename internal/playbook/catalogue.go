package playbook

import (
	"slices"
	"strings"
)

// Known is one root cause as the playbooks know it: the entry of a catalogue.
type Known struct {
	ID      string    `json:"id,omitempty"`      // "C-connection-leak"; empty for what only a playbook names
	Group   string    `json:"group"`             // of the coverage, or the playbook's folder
	About   string    `json:"about"`             //
	Covered bool      `json:"covered"`           // a condition tells it
	Cloud   string    `json:"cloud,omitempty"`   // why it needs a cloud, as far as it does
	Cluster string    `json:"cluster,omitempty"` // why it needs a cluster
	Later   string    `json:"later,omitempty"`   // why it is not there yet
	Told    []KnownBy `json:"conditions"`        // the conditions that tell it
	Lines   []string  `json:"signatures"`        // names of log lines that speak for it
}

// KnownBy is a condition that tells a cause, with what it takes.
type KnownBy struct {
	Condition  string   `json:"condition"` // "db/locks#a-transaction-was-left-open"
	Title      string   `json:"title"`
	HowCommon  string   `json:"how_common"`
	LeadsTo    []string `json:"leads_to"`
	Signs      []Told   `json:"signs"`       // as written
	Needs      []Needed `json:"needs"`       // roles that its signs read
	LookAlikes []string `json:"look_alikes"` // conditions that are told from the same answers, nearest first
}

// Told is one sign of a condition.
type Told struct {
	Weight string `json:"weight"`
	Means  string `json:"means"`
	Sign   string `json:"sign"`
}

// Needed is a role that signs read.
type Needed struct {
	Role     string `json:"role"`
	Kind     string `json:"kind"`
	Optional bool   `json:"optional"`
}

// Catalogue lists the root causes that are known: those of the coverage in its
// order, then what playbooks tell beyond them, by id.
func (b *Book) Catalogue(c Coverage) []Known {
	var out []Known
	placed := map[string]bool{}
	lines := map[string][]string{}
	for _, s := range b.vocabulary.Signatures {
		for _, id := range s.Causes {
			lines[id] = append(lines[id], s.Name)
		}
	}
	for _, p := range c.Causes {
		k := Known{ID: p.ID, Group: p.Group, About: p.About, Cloud: p.Cloud, Cluster: p.Cluster, Later: p.Later, Told: []KnownBy{}, Lines: lines[p.ID]}
		if k.Lines == nil {
			k.Lines = []string{}
		}
		for _, at := range p.At {
			// A team may have put another playbook in the place of the shipped one.
			if condition := b.Condition(at); condition != nil {
				k.Told = append(k.Told, b.known(condition))
				placed[at] = true
			}
		}
		k.Covered = len(k.Told) > 0 || len(p.At) > 0
		out = append(out, k)
	}
	for _, condition := range b.Conditions() {
		if condition.Kind == Cause && !placed[condition.ID] {
			folder, _, _ := strings.Cut(condition.ID, "/")
			out = append(out, Known{Group: folder, About: condition.Title, Covered: true, Told: []KnownBy{b.known(condition)}, Lines: []string{}})
		}
	}
	return out
}

func (b *Book) known(c *Condition) KnownBy {
	of := b.Of(c.ID)
	k := KnownBy{Condition: c.ID, Title: c.Title, HowCommon: string(c.HowCommon), LeadsTo: []string{}, Signs: []Told{}, Needs: []Needed{}, LookAlikes: b.lookAlikes(c)}
	if c.HowCommon == "" {
		k.HowCommon = string(Sometimes)
	}
	for _, l := range c.LeadsTo {
		k.LeadsTo = append(k.LeadsTo, l.Target)
	}
	for _, s := range c.Signs {
		k.Signs = append(k.Signs, Told{string(s.Weight), s.Means.Source(), oneLine(s.Program.Source())})
	}
	read := c.reads()
	for _, n := range of.Needs {
		if slices.ContainsFunc(of.Probes, func(q *Probe) bool { return q.Role == n.Role && read[q.Name] }) {
			k.Needs = append(k.Needs, Needed{n.Role, n.Kind, n.Optional})
		}
	}
	return k
}

// reads are the questions that the signs of a condition read, by name.
func (c *Condition) reads() map[string]bool {
	read := map[string]bool{}
	for _, s := range c.Signs {
		for _, name := range s.Reads {
			read[name] = true
		}
	}
	return read
}

// maxLookAlikes is how many look-alikes of a cause are worth a person's time.
const maxLookAlikes = 3

// lookAlikes are the causes of the same playbook that lead to the same and are
// told from the same questions, those with most of them first: who doubts one
// looks at the others.
func (b *Book) lookAlikes(c *Condition) []string {
	type near struct {
		id     string
		shared int
	}
	var found []near
	mine := c.reads()
	for _, other := range b.Of(c.ID).Conditions {
		if other == c || other.Kind != Cause || !slices.ContainsFunc(other.LeadsTo, func(l Link) bool {
			return slices.ContainsFunc(c.LeadsTo, func(own Link) bool { return own.Target == l.Target })
		}) {
			continue
		}
		shared := 0
		for name := range other.reads() {
			if mine[name] {
				shared++
			}
		}
		if shared > 0 {
			found = append(found, near{other.ID, shared})
		}
	}
	slices.SortStableFunc(found, func(a, b near) int { return b.shared - a.shared })
	ids := []string{}
	for _, n := range found[:min(len(found), maxLookAlikes)] {
		ids = append(ids, n.id)
	}
	return ids
}
