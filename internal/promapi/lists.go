package promapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"sync"
	"time"

	"github.com/quellhq/quell/internal/evidence"
)

// Lists fetches lists of names (of metrics, labels, values) and keeps each for a
// while: every fence of an investigation needs them. It may be used by several
// goroutines at once, and fetches a list once for all of them.
type Lists struct {
	Client *Client
	Now    func() time.Time

	mu   sync.Mutex
	kept map[string]*keptList
}

type keptList struct {
	mu    sync.Mutex // held while the list is fetched
	valid bool
	at    time.Time
	list  []string
}

var errNoList = errors.New("the answer is no list of names")

// keepLists is how long a list of names is taken for current.
const keepLists = 30 * time.Second

// Get returns the list at path. stamp adds the time window to the parameters,
// which does not take part in telling one list from another.
func (l *Lists) Get(ctx context.Context, path string, params url.Values, stamp func(url.Values, time.Time)) ([]string, error) {
	k := l.keptFor(path + "?" + params.Encode())
	k.mu.Lock()
	defer k.mu.Unlock()
	now := l.Now()
	if k.valid && now.Sub(k.at) < keepLists {
		return k.list, nil
	}
	stamp(params, now)
	reply, err := l.Client.Get(ctx, path, params)
	if err != nil {
		return nil, err
	}
	list, err := ReadList(reply)
	if err != nil {
		return nil, l.Client.fail(evidence.Not(evidence.Unreachable, l.Client.what()+": "+err.Error(), ""))
	}
	k.list, k.at, k.valid = list, now, true
	return list, nil
}

func (l *Lists) keptFor(key string) *keptList {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept == nil {
		l.kept = map[string]*keptList{}
	}
	k, ok := l.kept[key]
	if !ok {
		k = &keptList{}
		l.kept[key] = k
	}
	return k
}

// ReadList reads a list of names. An envelope without data is an empty list:
// Loki writes it so.
func ReadList(r Reply) ([]string, error) {
	var list []string
	if err := json.Unmarshal(r.Data, &list); err == nil {
		return list, nil
	}
	var empty struct {
		Status string `json:"status"`
		Data   any    `json:"data"`
	}
	if err := json.Unmarshal(r.Data, &empty); err == nil && empty.Status == "success" && empty.Data == nil {
		return nil, nil
	}
	return nil, errNoList
}
