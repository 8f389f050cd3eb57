package diagnosis

import (
	"fmt"
	"maps"
	"math"
	"sort"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/playbook"
)

// findings evaluates every condition of every subject. The same condition read
// from the same answers (two services on one database) is one finding.
func findings(in Input) []*Finding {
	byKey := map[string]*Finding{}
	var list []*Finding
	for i := range in.Subjects {
		s := &in.Subjects[i]
		vars := s.vars(in.At)
		for _, c := range s.Playbook.Conditions {
			key := s.key(c)
			if f, ok := byKey[key]; ok {
				f.Services = addSorted(f.Services, s.Service)
				f.others = append(f.others, s)
				continue
			}
			f := evaluate(s, c, vars, in.Matches[c.ID])
			byKey[key] = f
			list = append(list, f)
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].less(list[j]) })
	return list
}

// less orders findings by name: the order for everything that has no rank.
func (f *Finding) less(g *Finding) bool {
	if f.ID != g.ID {
		return f.ID < g.ID
	}
	if a, b := strings.Join(f.Targets, ","), strings.Join(g.Targets, ","); a != b {
		return a < b
	}
	return strings.Join(f.Services, ",") < strings.Join(g.Services, ",")
}

// vars gives every name of the playbook its value, or why it has none.
func (s *Subject) vars(at time.Time) expr.Vars {
	now := float64(at.UnixNano()) / 1e9
	vars := expr.Vars{"now": now, "service": s.Service}
	for name, v := range s.Params {
		vars[name] = v
	}
	s.times(vars, at)
	for _, p := range s.Playbook.Probes {
		e, asked := s.Evidence[p.Name]
		switch {
		case !asked:
			vars[p.Name] = &expr.Unknown{Status: string(evidence.NotAsked), Reason: p.Name + " was not asked"}
		case e.Known():
			value := expr.Asked(e.Value, now)
			if !s.Usual.IsZero() {
				value = expr.Usual(value, float64(s.Usual.UnixNano())/1e9)
			}
			vars[p.Name] = value
		default:
			vars[p.Name] = &expr.Unknown{Status: string(e.Status), Reason: p.Name + ": " + e.Reason}
		}
	}
	return vars
}

// times gives the two names that speak of time: what has changed, and since
// when what is felt is so.
func (s *Subject) times(vars expr.Vars, at time.Time) {
	vars[playbook.Changes] = s.Changes.Value(at)
	vars[playbook.Began] = &expr.Unknown{Status: string(evidence.NoData), Reason: "when it began cannot be told"}
	if s.began != nil {
		vars[playbook.Began] = s.began.To
	}
	if s.Changes.Empty() {
		vars[playbook.Changes] = &expr.Unknown{Status: string(evidence.NotAsked), Reason: "nobody that the service rests on tells what has changed"}
	}
}

// key is the same for two subjects whose signs for c rest on the same answers.
func (s *Subject) key(c *playbook.Condition) string {
	parts := []string{c.ID}
	for _, probe := range readsOf(c) {
		e, ok := s.Evidence[probe]
		if !ok || e.Target == "" {
			parts = append(parts, probe+"@"+s.Service)
			continue
		}
		parts = append(parts, probe+"@"+e.Target+"\x00"+e.Question+"\x00"+e.Service)
	}
	if len(parts) == 1 {
		parts = append(parts, s.Service)
	}
	return strings.Join(parts, "\x01")
}

// readsOf lists the probes that the signs of c read, sorted.
func readsOf(c *playbook.Condition) []string {
	var names []string
	for _, sign := range c.Signs {
		for _, n := range sign.Reads {
			names = addSorted(names, n)
		}
	}
	return names
}

func evaluate(s *Subject, c *playbook.Condition, vars expr.Vars, match float64) *Finding {
	f := &Finding{
		ID: c.ID, Kind: c.Kind, Title: c.Title, Services: []string{s.Service}, Reported: match,
		Covers: s.Playbook.Covers, condition: c, subject: s, byRole: map[string]string{}, Signs: []SignResult{}, Targets: []string{},
	}
	roles := map[string]string{}
	for _, p := range s.Playbook.Probes {
		roles[p.Name] = p.Role
	}
	for _, sign := range c.Signs {
		r := SignResult{
			Sign: sign.Program.Source(), Weight: sign.Weight, Means: sign.Means.Sentence(vars),
			Probes: append([]string{}, sign.Reads...), Source: []string{}, reads: sign.Reads,
			value: ratios[sign.Weight], weight: sign.Weight,
		}
		truth, why := sign.Program.Test(vars)
		r.Truth, r.Why = string(truth), why
		r = aged(r, sign.Program, s, vars)
		for _, name := range sign.Reads {
			if e, ok := s.Evidence[name]; ok && e.Target != "" {
				r.Source = addSorted(r.Source, e.Target)
				if e.At.After(r.At) {
					r.At = e.At
				}
			}
			if target := s.Targets[roles[name]]; target != "" {
				f.Targets = addSorted(f.Targets, target)
				f.byRole[roles[name]] = target
			}
		}
		f.Signs = append(f.Signs, r)
	}
	f.weigh()
	return f
}

// aged weakens a sign that rests on lines of logs that have ended: what they tell of
// is over, as far as they can tell. It rests on them where it would not hold
// without them. A veto that rests on nothing else is none; one that compares them
// with what came later may stand.
func aged(r SignResult, program *expr.Program, s *Subject, vars expr.Vars) SignResult {
	if r.Truth != string(expr.True) {
		return r
	}
	ended, goesOn := 0.0, false
	without := maps.Clone(vars)
	for _, name := range r.reads {
		e, ok := s.Evidence[name]
		list, isList := e.Value.([]any)
		switch {
		case !ok || !e.Known() || isList && len(list) == 0: // nothing that the sign could rest on
		case e.Ended == 0:
			goesOn = true
		default:
			ended = max(ended, e.Ended)
			without[name] = []any{}
		}
	}
	if ended == 0 {
		return r
	}
	if goesOn {
		if truth, _ := program.Test(without); truth == expr.True || r.Weight == playbook.RulesOut {
			return r
		}
	}
	now, _ := vars["now"].(float64)
	r.Means += " (none for " + expr.FormatDuration(time.Duration((now-ended)*float64(time.Second)).Round(time.Second)) + ")"
	if r.Weight == playbook.RulesOut {
		r.Truth, r.Why = string(expr.Undecided), "what it rests on has ended"
		return r
	}
	r.value.whenTrue = math.Pow(r.value.whenTrue, ofTheEnded)
	return r
}

// weigh computes the probability from the prior and the known signs.
func (f *Finding) weigh() {
	f.logOdds = logit(prior(f.condition)) + math.Log(1+(reported-1)*f.Reported)
	pulls, vetoed := pull(f.Signs)
	for i := range f.Signs {
		f.Signs[i].Pull = round(pulls[i])
		f.logOdds += pulls[i]
	}
	f.Vetoed = vetoed
	f.Probability = round(fromLogit(f.logOdds))
	if vetoed {
		f.Probability = 0
	}
	f.Word = Word(f.Probability)
	if vetoed {
		f.Word = "ruled out"
	}
}

// pull gives what each sign moves the log-odds by. Signs that share a probe
// are not independent: for each probe the signs that read it are taken by
// strength, for and against apart, and each further one counts half of the one
// before it. A sign that reads several probes is split between them.
func pull(signs []SignResult) (pulls []float64, vetoed bool) {
	pulls = make([]float64, len(signs))
	type share struct {
		sign  int
		value float64
	}
	byProbe := map[string][]share{}
	for i, s := range signs {
		var lr float64
		switch s.Truth {
		case string(expr.True):
			if s.Weight == playbook.RulesOut {
				vetoed = true
				continue
			}
			lr = s.value.whenTrue
		case string(expr.False):
			lr = s.value.whenFalse
		default:
			continue
		}
		value := math.Log(lr)
		if len(s.reads) == 0 {
			pulls[i] = value
			continue
		}
		for _, probe := range s.reads {
			byProbe[probe] = append(byProbe[probe], share{i, value / float64(len(s.reads))})
		}
	}
	for _, probe := range sortedKeys(byProbe) {
		shares := byProbe[probe]
		sort.SliceStable(shares, func(i, j int) bool { return math.Abs(shares[i].value) > math.Abs(shares[j].value) })
		factorFor, factorAgainst := 1.0, 1.0
		for _, s := range shares {
			factor := &factorFor
			if s.value < 0 {
				factor = &factorAgainst
			}
			pulls[s.sign] += s.value * *factor
			*factor *= discount
		}
	}
	return pulls, vetoed
}

// ifTrue is the probability that f would have if its unknown sign i were true.
func (f *Finding) ifTrue(i int) float64 {
	signs := append([]SignResult{}, f.Signs...)
	signs[i].Truth = string(expr.True)
	pulls, vetoed := pull(signs)
	if vetoed {
		return 0
	}
	total := f.logOdds
	for j := range pulls {
		total += pulls[j] - f.Signs[j].Pull
	}
	return fromLogit(total)
}

// seen is f as a step of a story, with its strongest true sign.
func (f *Finding) seen() Seen {
	out := Seen{ID: f.ID, Kind: f.Kind, Title: f.Title, Probability: f.Probability, Confirmed: f.likely(), Targets: f.Targets}
	best := 0.0
	for _, s := range f.Signs {
		if s.Truth == string(expr.True) && s.value.whenTrue > best {
			best, out.Evidence, out.At = s.value.whenTrue, s.Means, s.At
		}
	}
	return out
}

func (f *Finding) likely() bool { return f.Probability >= Likely }

// open reports whether nothing speaks clearly against f: a step of a chain may
// pass through it unseen.
func (f *Finding) open() bool {
	if f.Vetoed {
		return false
	}
	if f.Probability >= Possible {
		return true
	}
	for _, s := range f.Signs {
		if s.Truth != string(expr.Undecided) {
			return false
		}
	}
	return true
}

func round(x float64) float64 { return math.Round(x*1000) / 1000 }

func addSorted(list []string, s string) []string {
	i := sort.SearchStrings(list, s)
	if i < len(list) && list[i] == s {
		return list
	}
	out := make([]string, 0, len(list)+1)
	out = append(out, list[:i]...)
	out = append(out, s)
	return append(out, list[i:]...)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func plural(n int, one string) string {
	if n == 1 {
		return fmt.Sprintf("1 %s", one)
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// Test evaluates one expression of the playbook over what the subject has
// seen; why says what kept it from an answer.
func (s *Subject) Test(p *expr.Program, at time.Time) (truth expr.Truth, why string) {
	return p.Test(s.vars(at))
}
