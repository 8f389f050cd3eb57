package firewall

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"sort"
	"strings"
	"time"
)

// rules is what our table holds.
type rules struct {
	table   bool // there is one
	blocked []entry
	limits  []pace
	drops   int // rules that drop what is blocked
	handles map[string][]int64
	sets    map[string]bool
	foreign string // something that is not ours
}

// entry is a network that is blocked.
type entry struct {
	prefix  netip.Prefix
	comment string
	left    time.Duration
}

// pace is a limit that holds for a port.
type pace struct {
	what    service
	rate    string // 20/second
	burst   int
	comment string
	left    time.Duration
}

// service is what a limit is for.
type service struct {
	protocol string
	port     int
}

func (s service) String() string { return fmt.Sprintf("%s port %d", s.protocol, s.port) }

// set is the name of one of a limit's sets: on (the port, while the limit
// lasts), v4 and v6 (who has come how often).
func (s service) set(part string) string {
	return fmt.Sprintf("limit_%s_%d_%s", s.protocol, s.port, part)
}

// Names of what is ours in the table.
const (
	blocked4   = "blocked4"
	blocked6   = "blocked6"
	blockChain = "block"
	paceChain  = "pace"
)

var limitSet = regexp.MustCompile(`^limit_(tcp|udp)_([0-9]{1,5})_(on|v4|v6)$`)

// The JSON of nft, as far as it is ours.
type listing struct {
	Nftables []struct {
		Table *struct{}  `json:"table"`
		Set   *listedSet `json:"set"`
		Chain *struct {
			Name string `json:"name"`
		} `json:"chain"`
		Rule *listedRule `json:"rule"`
		Map  *struct {
			Name string `json:"name"`
		} `json:"map"`
	} `json:"nftables"`
}

type listedSet struct {
	Name string            `json:"name"`
	Elem []json.RawMessage `json:"elem"`
}

type listedRule struct {
	Chain   string            `json:"chain"`
	Handle  int64             `json:"handle"`
	Comment string            `json:"comment"`
	Expr    []json.RawMessage `json:"expr"`
}

// element is one of a set, with its comment and time.
type element struct {
	Elem struct {
		Val     json.RawMessage `json:"val"`
		Expires int64           `json:"expires"`
		Comment string          `json:"comment"`
	} `json:"elem"`
}

func readRules(data []byte) (rules, error) {
	var l listing
	if err := json.Unmarshal(data, &l); err != nil {
		return rules{}, fmt.Errorf("the answer of nft cannot be read: %w", err)
	}
	r := rules{handles: map[string][]int64{}, sets: map[string]bool{}}
	on := map[string]element{}
	var paced []listedRule
	for _, o := range l.Nftables {
		switch {
		case o.Table != nil:
			r.table = true
		case o.Map != nil:
			r.foreign = "map " + o.Map.Name
		case o.Chain != nil && o.Chain.Name != blockChain && o.Chain.Name != paceChain:
			r.foreign = "chain " + o.Chain.Name
		case o.Set != nil:
			if err := r.readSet(*o.Set, on); err != nil {
				return r, err
			}
		case o.Rule != nil && o.Rule.Chain == blockChain:
			r.drops++
		case o.Rule != nil:
			paced = append(paced, *o.Rule)
		}
	}
	for _, rule := range paced {
		r.readPace(rule, on)
	}
	sort.Slice(r.blocked, func(i, j int) bool { return less(r.blocked[i].prefix, r.blocked[j].prefix) })
	sort.Slice(r.limits, func(i, j int) bool { return r.limits[i].what.String() < r.limits[j].what.String() })
	return r, nil
}

func (r *rules) readSet(s listedSet, on map[string]element) error {
	r.sets[s.Name] = true
	limit := limitSet.FindStringSubmatch(s.Name)
	switch {
	case s.Name == blocked4 || s.Name == blocked6:
		for _, raw := range s.Elem {
			var e element
			if err := json.Unmarshal(raw, &e); err != nil || len(e.Elem.Val) == 0 {
				return fmt.Errorf("an element of set %s cannot be read: %s", s.Name, raw)
			}
			p, err := readPrefix(e.Elem.Val)
			if err != nil {
				return err
			}
			r.blocked = append(r.blocked, entry{p, e.Elem.Comment, time.Duration(e.Elem.Expires) * time.Second})
		}
	case limit != nil && limit[3] == "on" && len(s.Elem) > 0:
		var e element
		if err := json.Unmarshal(s.Elem[0], &e); err != nil {
			return fmt.Errorf("an element of set %s cannot be read: %w", s.Name, err)
		}
		on[s.Name] = e
	case limit == nil:
		r.foreign = "set " + s.Name
	}
	return nil
}

func readPrefix(raw json.RawMessage) (netip.Prefix, error) {
	var text string
	var object struct {
		Prefix *struct {
			Addr string `json:"addr"`
			Len  int    `json:"len"`
		} `json:"prefix"`
	}
	switch {
	case json.Unmarshal(raw, &text) == nil:
		return parsePrefix(text)
	case json.Unmarshal(raw, &object) == nil && object.Prefix != nil:
		return parsePrefix(fmt.Sprintf("%s/%d", object.Prefix.Addr, object.Prefix.Len))
	}
	return netip.Prefix{}, fmt.Errorf("a blocked address cannot be read: %s", raw)
}

var (
	pacedSet = regexp.MustCompile(`"@(limit_(?:tcp|udp)_[0-9]{1,5})_on"`)
	pacedBy  = regexp.MustCompile(`"limit":\s*(\{[^}]*\})`)
)

// readPace reads a limiting rule: the set of its port names it, and the limit
// is in one of its expressions.
func (r *rules) readPace(rule listedRule, on map[string]element) {
	var text strings.Builder
	for _, e := range rule.Expr {
		text.Write(e)
	}
	name := pacedSet.FindStringSubmatch(text.String())
	if name == nil {
		r.foreign = "a rule in chain " + rule.Chain
		return
	}
	r.handles[name[1]] = append(r.handles[name[1]], rule.Handle)
	e, active := on[name[1]+"_on"]
	if !active || len(r.handles[name[1]]) > 1 {
		return // its time is over, or it is the second of a pair
	}
	var limit struct {
		Rate  int    `json:"rate"`
		Burst int    `json:"burst"`
		Per   string `json:"per"`
	}
	if m := pacedBy.FindStringSubmatch(text.String()); m != nil {
		_ = json.Unmarshal([]byte(m[1]), &limit) // a limit without numbers is still one
	}
	var s service
	_, _ = fmt.Sscanf(strings.ReplaceAll(name[1], "_", " "), "limit %s %d", &s.protocol, &s.port)
	r.limits = append(r.limits, pace{
		what: s, rate: fmt.Sprintf("%d/%s", limit.Rate, limit.Per), burst: limit.Burst,
		comment: e.Elem.Comment, left: time.Duration(e.Elem.Expires) * time.Second,
	})
}

// dropping reports whether what is blocked is dropped: one rule for each kind
// of address.
func (r rules) dropping() bool { return r.drops == 2 }

// limitOf returns the limit that holds for a service.
func (r rules) limitOf(s service) (pace, bool) {
	for _, p := range r.limits {
		if p.what == s {
			return p, true
		}
	}
	return pace{}, false
}

func less(a, b netip.Prefix) bool {
	if c := a.Addr().Compare(b.Addr()); c != 0 {
		return c < 0
	}
	return a.Bits() < b.Bits()
}
