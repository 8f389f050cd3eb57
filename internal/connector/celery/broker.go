package celery

import (
	"context"
	"errors"
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/daemon"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
)

// broker is where things are in the Redis that Celery uses.
type broker struct {
	queues []string
	prefix string // of every key
	db     int
	daemon *daemon.Daemon
}

func (b broker) questions() []question {
	return []question{b.queuesQuestion(), b.takenQuestion(), b.waitingQuestion(), resultsQuestion(), beatQuestion()}
}

// changes lists everything that this connector can change.
func (b broker) changes() []redisact.Change {
	return append([]redisact.Change{b.requeueChange(), b.dropChange(), b.restoreChange()}, b.crew().Changes()...)
}

// separator stands in kombu's names of keys.
const separator = "\x06\x16"

// priorities are the lists of one queue, as kombu's priority_steps have them
// unless told otherwise: the first is the one without a number.
var priorities = []string{"", "3", "6", "9"}

// lists are the keys of a queue, most urgent first.
func (b broker) lists(queue string) []string {
	out := make([]string, len(priorities))
	for i, p := range priorities {
		out[i] = b.prefix + queue
		if p != "" {
			out[i] += separator + p
		}
	}
	return out
}

// unacked holds what workers have taken: a hash by tag, and when in a set.
func (b broker) unacked() (hash, index string) {
	return b.prefix + "unacked", b.prefix + "unacked_index"
}

// control is where every worker's mailbox is bound: its name stands there from
// its start to its end, and stays when it is killed.
func (b broker) control() string { return b.prefix + "_kombu.binding.celery.pidbox" }

// queueFor finds where a message goes that was sent to an exchange, as kombu
// does for direct exchanges; "" where that is not known.
func (b broker) queueFor(ctx context.Context, s *redisapi.Session, exchange, key string) (string, error) {
	if exchange == "" {
		return key, nil // the default exchange: the key is the queue
	}
	v, err := s.One(ctx, "SSCAN", b.prefix+"_kombu.binding."+exchange, 0, "COUNT", 1000)
	if err != nil {
		return "", err
	}
	pair, _ := v.([]any)
	if len(pair) != 2 {
		return "", nil
	}
	found := ""
	for _, bound := range redisapi.Texts(pair[1]) {
		if f := strings.Split(bound, separator); len(f) == 3 && f[0] == key {
			if found != "" {
				return "", nil // several queues would get it
			}
			found = f[2]
		}
	}
	return found, nil
}

// tooBig turns an answer over our limit into what to do about it.
func tooBig(err error) error {
	if errors.Is(err, redisapi.ErrTooBig) {
		return action.Refuse("ask for fewer with most", "the messages are too large to look at so many")
	}
	return err
}
