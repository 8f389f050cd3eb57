package celery_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
)

// killedWorker lets a real worker take a task and kills it, with all of its
// children, before it is done.
func (s *site) killedWorker(t testing.TB) {
	t.Helper()
	cmd := exec.Command(s.python, "-m", "celery", "-A", "app", "worker", "-n", "doomed@%h", "-c", "1", "--without-gossip")
	cmd.Env, cmd.Dir = s.environ(t), s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	begun := func() bool {
		_, err := os.Stat(filepath.Join(s.dir, "begun"))
		return err == nil
	}
	ok := eventually(begun, 60*time.Second)
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	_ = cmd.Wait()
	require.True(t, ok, "the worker takes the task")
}

func eventually(shown func() bool, within time.Duration) bool {
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if shown() {
			return true
		}
	}
	return false
}

func TestRequeueOfWhatAKilledWorkerHeldKeepsTheContract(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.send(t, "celery", "slow", 600)
	s.killedWorker(t)
	require.EqualValues(t, 1, s.cmd(t, "HLEN", "unacked"))
	before := s.calls(t, "rpush")
	actiontest.Run(t, actiontest.Case{
		Spec: hands.Spec(t, "celery.requeue"), Args: map[string]any{"older": "0s"}, Gone: nobodyThere,
		Open:    func(t *testing.T) action.Changer { return s.changer(t) },
		World:   func(t *testing.T) string { return s.world(t) },
		Effects: func(t *testing.T) int { return s.calls(t, "rpush") - before },
	})
	require.EqualValues(t, 0, s.cmd(t, "HLEN", "unacked"))
	require.EqualValues(t, 0, s.cmd(t, "ZCARD", "unacked_index"))
	// as kombu itself would have left it
	var m struct {
		Headers struct {
			Task        string
			Redelivered bool
			ArgsRepr    string
		}
		Properties struct {
			DeliveryInfo struct {
				Redelivered bool
				RoutingKey  string `json:"routing_key"`
			} `json:"delivery_info"`
			BodyEncoding string `json:"body_encoding"`
		}
		Body string
	}
	text := s.cmd(t, "LINDEX", "celery", -1).(string)
	require.NoError(t, json.Unmarshal([]byte(text), &m))
	require.Equal(t, "app.slow", m.Headers.Task)
	require.True(t, m.Headers.Redelivered && m.Properties.DeliveryInfo.Redelivered)
	require.Equal(t, "celery", m.Properties.DeliveryInfo.RoutingKey)
	require.NotEmpty(t, m.Body)
}

func TestRequeueFromAListKeepsTheContract(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.send(t, "dead", "work", 1, 2)
	s.send(t, "celery", "work", 3)
	before := s.calls(t, "lpush")
	actiontest.Run(t, actiontest.Case{
		Spec: hands.Spec(t, "celery.requeue"), Args: map[string]any{"from": "dead", "to": "celery"}, Gone: nobodyThere,
		Open:    func(t *testing.T) action.Changer { return s.changer(t) },
		World:   func(t *testing.T) string { return s.world(t) },
		Effects: func(t *testing.T) int { return (s.calls(t, "lpush") - before) / 2 },
	})
	require.EqualValues(t, 3, s.cmd(t, "LLEN", "celery"))
}

// held writes what kombu writes when a worker takes a message.
func (s *site) held(t testing.TB, tag, exchange, key string, ago time.Duration) {
	t.Helper()
	message := `{"body":"e30=","headers":{"id":"id-` + tag + `","task":"app.work"},"properties":{"delivery_tag":"` + tag + `","delivery_info":{"exchange":"` + exchange + `","routing_key":"` + key + `"}}}`
	s.cmd(t, "HSET", "unacked", tag, fmt.Sprintf(`[%s, %q, %q]`, message, exchange, key))
	s.cmd(t, "ZADD", "unacked_index", fmt.Sprintf("%.7f", float64(time.Now().Add(-ago).UnixNano())/1e9), tag)
}

func TestWhatIsGivenBackGoesWhereItWasSentTo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.cmd(t, "SADD", "_kombu.binding.shop", "orders\x06\x16\x06\x16shop-orders", "mail\x06\x16\x06\x16shop-mail", "all\x06\x16\x06\x16a", "all\x06\x16\x06\x16b")
	s.held(t, "direct", "shop", "orders", 3*time.Hour)
	s.held(t, "default", "", "celery", 2*time.Hour)
	s.held(t, "fanned", "shop", "all", 2*time.Hour)
	s.held(t, "unbound", "gone", "x", 2*time.Hour)
	s.held(t, "young", "", "celery", time.Minute)
	s.cmd(t, "HSET", "unacked", "broken", "no json")
	s.cmd(t, "ZADD", "unacked_index", 1, "broken")
	target := s.changer(t)
	order := hands.Planned(t, target, "celery.requeue", nil)
	require.Len(t, order.Preview.Items, 2)
	require.Empty(t, order.Preview.TwoPeople, "nobody is connected")
	require.Len(t, order.Preview.Warnings, 2)
	// one is acknowledged meanwhile, by a worker that was slow
	s.cmd(t, "HDEL", "unacked", "default")
	s.cmd(t, "ZREM", "unacked_index", "default")
	actiontest.Applied(t, target, order)
	require.EqualValues(t, 1, s.cmd(t, "LLEN", "shop-orders"))
	require.EqualValues(t, 0, s.cmd(t, "LLEN", "celery"))
	require.EqualValues(t, 4, s.cmd(t, "ZCARD", "unacked_index"))
}

func TestADeliveryThatWasTakenAgainIsAnother(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.held(t, "a", "", "celery", 3*time.Hour)
	target := s.changer(t)
	order := hands.Planned(t, target, "celery.requeue", nil)
	s.held(t, "a", "", "celery", 0)
	_, err := actiontest.Doer(t, target, "celery.requeue").Apply(within(t, 5*time.Second), order)
	// it was given back by somebody and taken again: that is what was wanted
	require.NoError(t, err)
	require.EqualValues(t, 0, s.cmd(t, "LLEN", "celery"))
	require.EqualValues(t, 1, s.cmd(t, "HLEN", "unacked"))
}

func TestWhileWorkersAreConnectedTwoPeopleGiveBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.held(t, "a", "", "celery", 3*time.Hour)
	subscribed := s.client.Subscribe(within(t, time.Minute), "anything")
	t.Cleanup(func() { _ = subscribed.Close() })
	_, err := subscribed.Receive(within(t, 5*time.Second))
	require.NoError(t, err)
	p, err := hands.Preview(t, s.changer(t), "celery.requeue", nil)
	require.NoError(t, err)
	require.Contains(t, p.TwoPeople, "it would run twice")
	require.Equal(t, action.R3, p.Risk)
}

func TestRequeuesThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, args := range []map[string]any{
		{"to": "celery"}, {"from": "dead"}, {"from": "dead", "to": "dead"}, {"most": 2000}, {"from": "a\nb", "to": "c"},
	} {
		_, err := hands.Preview(t, s.changer(t), "celery.requeue", args)
		actiontest.Refuses(t, err)
	}
	p, err := hands.Preview(t, s.changer(t), "celery.requeue", map[string]any{"from": "dead", "to": "celery"})
	require.NoError(t, err)
	require.True(t, p.Already)
}
