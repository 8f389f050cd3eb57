package auth

import (
	"net/netip"
	"sort"
	"strconv"
	"strings"
)

// Keys follows credentials that programs use, by the networks and the pages
// that they are used from and for.
type Keys struct {
	split  int64
	reader Reader
	keys   map[string]*KeyUse
	last   int64 // when the last of all was used
}

// KeyUse is what one credential was used for.
type KeyUse struct {
	Key, Kind                string // as it may be shown, and the field that named it
	Requests, Before         int
	Networks, NetworksBefore int
	NewNetworks              []string // that came in the second half of what is known of it, or in the recent time
	FromNew                  int      // requests of the recent time from these
	NewPaths                 []string
	FirstNew                 int64

	networks, paths map[string]*usage
}

// usage counts one network or page: when it was first seen, and how often, before
// the split and after it.
type usage struct {
	first int64
	n     [2]int
}

// NewKeys begins to count.
func NewKeys(split int64) *Keys { return &Keys{split: split, keys: map[string]*KeyUse{}} }

// keyFields are the names under which logs tell a credential, and whether what
// stands there opens something, so that it must not be shown.
var keyFields = map[string]bool{
	"api_key_id": false, "apikey_id": false, "apiKeyId": false, "key_id": false, "keyId": false, "access_key_id": false, "accessKeyId": false, "client_id": false, "clientId": false,
	"token_id": false, "credential_id": false, "key_name": false, "api_key_name": false, "service_account": false, "consumer": false, "consumer_id": false, "api_client": false,
	"api_key": true, "apikey": true, "apiKey": true, "access_key": true, "key_prefix": true,
}

const maxKeys = 1000

// Add reads one line.
func (k *Keys) Add(l Line) {
	if l.At == 0 {
		return
	}
	var kind, key []byte
	for _, f := range l.Fields {
		if _, ok := keyFields[string(f.Name)]; ok && len(f.Value) > 0 && len(f.Value) < 200 {
			kind, key = f.Name, f.Value
			break
		}
	}
	if key == nil {
		return
	}
	k.last = max(k.last, l.At)
	u := k.keys[string(key)]
	if u == nil {
		if len(k.keys) >= maxKeys {
			return
		}
		u = &KeyUse{Key: string(key), Kind: string(kind), networks: map[string]*usage{}, paths: map[string]*usage{}}
		if keyFields[string(kind)] {
			u.Key = "…" + string(key[max(0, len(key)-4):])
		}
		k.keys[string(key)] = u
	}
	f := k.reader.facts(l)
	side := 0
	if l.At > k.split {
		side = 1
		u.Requests++
	} else {
		u.Before++
	}
	if n := network(string(address(f.ip))); n != "" {
		count(u.networks, n, side, l.At)
	}
	if len(f.path) > 0 {
		path, _, _ := strings.Cut(string(f.path), "?")
		count(u.paths, string(f.method)+" "+withoutIDs(path), side, l.At)
	}
}

func count(into map[string]*usage, name string, side int, at int64) {
	u := into[name]
	if u == nil {
		if len(into) >= 500 {
			return
		}
		u = &usage{first: at}
		into[name] = u
	}
	u.first = min(u.first, at)
	u.n[side]++
}

// withoutIDs puts a star for what is a number or long.
func withoutIDs(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if _, err := strconv.Atoi(p); err == nil || len(p) > 24 {
			parts[i] = "*"
		}
	}
	return strings.Join(parts, "/")
}

// network is the network that an address is in, as far as one customer of a
// provider usually reaches: clients change their last numbers.
func network(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ""
	}
	bits := 24
	if a.Is6() {
		bits = 48
	}
	p, _ := a.Prefix(bits)
	return p.String()
}

// Merge takes what another has counted.
func (k *Keys) Merge(o *Keys) {
	k.last = max(k.last, o.last)
	for key, u := range o.keys {
		mine := k.keys[key]
		if mine == nil {
			k.keys[key] = u
			continue
		}
		mine.Requests += u.Requests
		mine.Before += u.Before
		for _, m := range []struct{ to, from map[string]*usage }{{mine.networks, u.networks}, {mine.paths, u.paths}} {
			for name, n := range m.from {
				if m.to[name] == nil {
					m.to[name] = &usage{first: n.first}
				}
				m.to[name].first = min(m.to[name].first, n.first)
				m.to[name].n[0] += n.n[0]
				m.to[name].n[1] += n.n[1]
			}
		}
	}
}

// known is the time by which a network or a page had to be seen to be one of
// the usual ones: the middle of what is known of the key, so that a thief who came
// an hour ago does not pass for usual, and the split at the latest.
func (k *Keys) known(u *KeyUse) int64 {
	first := k.last
	for _, n := range u.networks {
		first = min(first, n.first)
	}
	return min(k.split, first+(k.last-first)/2)
}

// Uses are the credentials of the recent time, those with the most requests
// from new networks first.
func (k *Keys) Uses() []KeyUse {
	var list []KeyUse
	for _, key := range k.keys {
		if key.Requests == 0 {
			continue
		}
		u, known := *key, k.known(key)
		for n, c := range u.networks {
			if c.n[1] > 0 {
				u.Networks++
			}
			if c.first <= known {
				u.NetworksBefore++
				continue
			}
			u.Before -= c.n[0]
			if c.n[1] == 0 {
				continue
			}
			u.NewNetworks = append(u.NewNetworks, n)
			u.FromNew += c.n[1]
			if u.FirstNew == 0 || c.first < u.FirstNew {
				u.FirstNew = c.first
			}
		}
		for p, c := range u.paths {
			if c.first > known && c.n[1] > 0 {
				u.NewPaths = append(u.NewPaths, p)
			}
		}
		sort.Strings(u.NewNetworks)
		sort.Strings(u.NewPaths)
		list = append(list, u)
	}
	sort.Slice(list, func(i, j int) bool {
		if list[i].FromNew != list[j].FromNew {
			return list[i].FromNew > list[j].FromNew
		}
		return list[i].Key < list[j].Key
	})
	return list
}
