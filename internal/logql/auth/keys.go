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
	first  int64
}

// KeyUse is what one credential was used for.
type KeyUse struct {
	Key, Kind                string // as it may be shown, and the field that named it
	Requests, Before         int
	Networks, NetworksBefore int
	NewNetworks              []string // only in the recent time
	FromNew                  int      // requests of the recent time from these
	NewPaths                 []string
	FirstNew                 int64

	networks, paths map[string]*[2]int
	firsts          map[string]int64
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
	if k.first == 0 || l.At < k.first {
		k.first = l.At
	}
	u := k.keys[string(key)]
	if u == nil {
		if len(k.keys) >= maxKeys {
			return
		}
		u = &KeyUse{Key: string(key), Kind: string(kind), networks: map[string]*[2]int{}, paths: map[string]*[2]int{}, firsts: map[string]int64{}}
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
		count(u.networks, n, side)
		if at, ok := u.firsts[n]; !ok || l.At < at {
			u.firsts[n] = l.At
		}
	}
	if len(f.path) > 0 {
		path, _, _ := strings.Cut(string(f.path), "?")
		count(u.paths, string(f.method)+" "+withoutIDs(path), side)
	}
}

func count(into map[string]*[2]int, name string, side int) {
	n := into[name]
	if n == nil {
		if len(into) >= 500 {
			return
		}
		n = new([2]int)
		into[name] = n
	}
	n[side]++
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
	if k.first == 0 || o.first != 0 && o.first < k.first {
		k.first = o.first
	}
	for key, u := range o.keys {
		mine := k.keys[key]
		if mine == nil {
			k.keys[key] = u
			continue
		}
		mine.Requests += u.Requests
		mine.Before += u.Before
		for _, m := range []struct{ to, from map[string]*[2]int }{{mine.networks, u.networks}, {mine.paths, u.paths}} {
			for name, n := range m.from {
				if m.to[name] == nil {
					m.to[name] = new([2]int)
				}
				m.to[name][0] += n[0]
				m.to[name][1] += n[1]
			}
		}
		for n, at := range u.firsts {
			if old, ok := mine.firsts[n]; !ok || at < old {
				mine.firsts[n] = at
			}
		}
	}
}

// Uses are the credentials of the recent time, those with the most requests
// from new networks first.
func (k *Keys) Uses() []KeyUse {
	var list []KeyUse
	for _, u := range k.keys {
		if u.Requests == 0 {
			continue
		}
		u.Networks, u.NetworksBefore, u.FromNew = 0, 0, 0
		u.NewNetworks, u.NewPaths = nil, nil
		for n, c := range u.networks {
			if c[1] > 0 {
				u.Networks++
			}
			if c[0] > 0 {
				u.NetworksBefore++
				continue
			}
			u.NewNetworks = append(u.NewNetworks, n)
			u.FromNew += c[1]
			if u.FirstNew == 0 || u.firsts[n] < u.FirstNew {
				u.FirstNew = u.firsts[n]
			}
		}
		for p, c := range u.paths {
			if c[0] == 0 && c[1] > 0 {
				u.NewPaths = append(u.NewPaths, p)
			}
		}
		sort.Strings(u.NewNetworks)
		sort.Strings(u.NewPaths)
		list = append(list, *u)
	}
	sort.Slice(list, func(i, j int) bool {
		if list[i].FromNew != list[j].FromNew {
			return list[i].FromNew > list[j].FromNew
		}
		return list[i].Key < list[j].Key
	})
	return list
}
