package rq

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/pid"
	"github.com/quellhq/quell/internal/redisapi"
)

// An idle worker says a word every 405 s only, so that one that was killed
// counts as alive for minutes by its heartbeat. Its process is looked for in two
// ways. A worker of this machine is in the process table or it is not. One that
// runs elsewhere is subscribed to a channel of its own, and its connections end
// with it.

// presence writes into each worker whether its process has ended.
func presence(ctx context.Context, s *redisapi.Session, all []worker) error {
	if len(all) == 0 {
		return nil
	}
	subscribed, known, err := subscribers(ctx, s, all)
	if err != nil {
		return err
	}
	here := local(ctx, all)
	var doubtful []int
	for i := range all {
		switch {
		case here[i] != nil:
			// Children that outlive a killed worker keep its subscription: the
			// process table knows better.
			all[i].gone = here[i]
		case known && subscribed[i]:
			all[i].gone = false
		case known && all[i].subscribes():
			doubtful = append(doubtful, i)
		}
	}
	if len(doubtful) == 0 {
		return nil
	}
	return withoutConnection(ctx, s, all, doubtful)
}

// subscribes reports a version that listens to commands: from 1.8 on.
func (w worker) subscribes() bool {
	var major, minor int
	_, err := fmt.Sscanf(w.version, "%d.%d", &major, &minor)
	return err == nil && (major > 1 || major == 1 && minor >= 8)
}

// subscribers says of each worker whether anybody listens to its channel.
// known is false where the server does not let us ask.
func subscribers(ctx context.Context, s *redisapi.Session, all []worker) (out []bool, known bool, err error) {
	cmd := []any{"PUBSUB", "NUMSUB"}
	for _, w := range all {
		cmd = append(cmd, channel+w.name)
	}
	replies, err := s.Do(ctx, cmd)
	if err != nil {
		return nil, false, err
	}
	list, _ := replies[0].Val.([]any)
	if replies[0].Err != "" || len(list) != 2*len(all) {
		return nil, false, nil
	}
	out = make([]bool, len(all))
	for i := range all {
		out[i] = count(list[2*i+1]) > 0
	}
	return out, true, nil
}

// local looks for the workers of this machine in its process table: true where
// the process has ended, false where it is there, nil where it runs elsewhere or
// cannot be seen.
func local(ctx context.Context, all []worker) []any {
	out := make([]any, len(all))
	host, err := os.Hostname()
	if err != nil {
		return out
	}
	var tree *pid.Tree
	for i, w := range all {
		if w.host != host || w.pid <= 0 {
			continue
		}
		if tree == nil {
			t, err := pid.All(ctx)
			if err != nil {
				return out
			}
			tree = &t
		}
		out[i] = ended(*tree, w)
	}
	return out
}

func ended(tree pid.Tree, w worker) any {
	p, err := pid.Look(w.pid)
	born, known := readMoment(w.born)
	switch {
	case err == nil && known && p.Started().Before(born.Add(10*time.Second)):
		return false
	case err != nil && !errors.Is(err, pid.ErrGone):
		return nil
	}
	// A container that shares the name of its machine counts processes by
	// itself: its worker has that number in there.
	for _, p := range tree.Processes() {
		if !p.Dead() && innermost(p.PID) == w.pid && p.PID != w.pid {
			return nil
		}
	}
	return true
}

// innermost is the number of a process in its own namespace; 0 where unknown.
func innermost(number int) int {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(number) + "/status")
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(data), "\n") {
		if list, ok := strings.CutPrefix(line, "NSpid:"); ok {
			f := strings.Fields(list)
			if len(f) == 0 {
				return 0
			}
			n, _ := strconv.Atoi(f[len(f)-1])
			return n
		}
	}
	return 0
}

// withoutConnection settles the workers that nobody listens for: a subscription
// is lost too when the connection broke and only the other one came back. Gone
// is who has no connection by its name, and from whose address nobody waits for
// jobs.
func withoutConnection(ctx context.Context, s *redisapi.Session, all []worker, doubtful []int) error {
	replies, err := s.Do(ctx, []any{"CLIENT", "LIST"})
	if err != nil {
		return err
	}
	text, ok := replies[0].Val.(string)
	if !ok {
		return nil
	}
	names, waiting := map[string]bool{}, map[string]bool{}
	for _, line := range strings.Split(text, "\n") {
		f := map[string]string{}
		for _, field := range strings.Fields(line) {
			name, value, _ := strings.Cut(field, "=")
			f[name] = value
		}
		names[f["name"]] = true
		if strings.Contains(f["flags"], "b") {
			waiting[address(f["addr"])] = true
		}
	}
	for _, i := range doubtful {
		w := &all[i]
		switch {
		case names[w.name]:
			w.gone = false
		case w.address != "" && !waiting[address(w.address)] && !w.job:
			w.gone = true
		case w.address != "" && w.job && !anyFrom(text, address(w.address)):
			w.gone = true
		}
	}
	return nil
}

// address is a client's address without its port.
func address(text string) string {
	if i := strings.LastIndexByte(text, ':'); i > 0 {
		return text[:i]
	}
	return text
}

func anyFrom(clients, addr string) bool { return strings.Contains(clients, "addr="+addr+":") }
