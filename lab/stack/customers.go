package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Visit is one thing that customers do.
type Visit struct {
	Name   string
	Weight int // how often, beside the others
	Do     func(ctx context.Context, c *Customer) error
}

// Customers use the service as on an ordinary day: they look, search, log in,
// buy and come back. Their number and what they do can be changed at any time.
type Customers struct {
	base string
	mix  []Visit

	mu     sync.Mutex
	rate   float64 // visits a second
	seed   uint64
	extra  []Visit
	cancel context.CancelFunc
	group  sync.WaitGroup

	Asked, Failed atomic.Int64 // requests, and those of them with 5xx or without an answer

	answers []answered // the last few minutes of them, oldest first
}

// answered is one request and what came of it.
type answered struct {
	at     time.Time
	took   time.Duration
	failed bool
}

// Felt is what customers went through in the last so many seconds.
type Felt struct {
	Requests int
	Failed   float64       // share with 5xx, or without an answer, 0 to 1
	Median   time.Duration // of how long they waited
	Late     time.Duration // what one in twenty waited at least
}

// Felt looks back so far.
func (cs *Customers) Felt(back time.Duration) Felt {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	var f Felt
	var took []time.Duration
	failed := 0
	for _, a := range cs.answers {
		if time.Since(a.at) > back {
			continue
		}
		took = append(took, a.took)
		if a.failed {
			failed++
		}
	}
	if f.Requests = len(took); f.Requests == 0 {
		return f
	}
	slices.Sort(took)
	f.Failed = float64(failed) / float64(len(took))
	f.Median, f.Late = took[len(took)/2], took[len(took)*95/100]
	return f
}

// most is how many answers are remembered.
const most = 20_000

func (cs *Customers) remember(a answered) {
	cs.Asked.Add(1)
	if a.failed {
		cs.Failed.Add(1)
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.answers = append(cs.answers, a); len(cs.answers) > most {
		cs.answers = slices.Clone(cs.answers[most/2:])
	}
}

// Customer is one person with a browser.
type Customer struct {
	Base    string
	Rand    *rand.Rand
	Session string // cookie, where the browser keeps one
	Token   string
	number  int // of the customer that this person is
	jar     http.CookieJar
	from    string
	count   *Customers
}

// OrdinaryRate is how many visits a second an ordinary day has: enough to see
// every route many times in ten seconds, and little for two processors.
const OrdinaryRate = 12

func customers(base string, seed uint64) *Customers {
	return &Customers{base: base, rate: OrdinaryRate, seed: seed, mix: ordinary()}
}

// ordinary is the mix of an ordinary day.
func ordinary() []Visit {
	return []Visit{
		{"look at an item", 40, func(ctx context.Context, c *Customer) error {
			return c.Get(ctx, fmt.Sprintf("/items/%d", 1+c.popular(600)))
		}},
		{"search", 15, func(ctx context.Context, c *Customer) error {
			return c.Get(ctx, fmt.Sprintf("/items?category=%d&skip=%d", c.Rand.IntN(40), 20*c.Rand.IntN(5)))
		}},
		{"see what sells best", 10, func(ctx context.Context, c *Customer) error { return c.Get(ctx, "/top") }},
		{"look at own orders", 12, func(ctx context.Context, c *Customer) error { return c.Get(ctx, "/orders") }},
		{"look at an order", 8, func(ctx context.Context, c *Customer) error {
			return c.Get(ctx, fmt.Sprintf("/orders/%d", 1+c.Rand.IntN(60000)))
		}},
		{"buy", 8, func(ctx context.Context, c *Customer) error {
			return c.Post(ctx, "/orders", map[string]any{"items": []int{1 + c.Rand.IntN(20000), 1 + c.Rand.IntN(20000)}})
		}},
		{"change a price", 3, func(ctx context.Context, c *Customer) error {
			return c.send(ctx, http.MethodPut, fmt.Sprintf("/items/%d", 1+c.popular(600)), map[string]any{"price": 100 + c.Rand.IntN(900)})
		}},
		{"log in again", 3, func(ctx context.Context, c *Customer) error { return c.LogIn(ctx) }},
		{"mistype the password", 1, func(ctx context.Context, c *Customer) error {
			return c.Post(ctx, "/login", map[string]any{"name": c.name(), "password": "mistyped"})
		}},
	}
}

// start lets them in, from so many people.
func (cs *Customers) start() {
	ctx, cancel := context.WithCancel(context.Background())
	cs.cancel = cancel
	const people = 48
	for i := range people {
		cs.group.Go(func() { cs.live(ctx, i, people) })
	}
}

func (cs *Customers) stop() {
	cs.cancel()
	cs.group.Wait()
}

// Rate sets how many visits a second there are.
func (cs *Customers) Rate(perSecond float64) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.rate = perSecond
}

// Also adds visits to the mix; none ends that.
func (cs *Customers) Also(visits ...Visit) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.extra = visits
}

// live is the day of one person. Each pauses as people do: exponentially.
func (cs *Customers) live(ctx context.Context, i, people int) {
	c := &Customer{
		Base: cs.base, Rand: rand.New(rand.NewPCG(cs.seed, uint64(i))), count: cs,
		from: fmt.Sprintf("198.51.100.%d", 1+i), number: 1 + i*300/people,
	}
	c.jar, _ = cookiejar.New(nil) // fails for no options
	for {
		cs.mu.Lock()
		rate, mix := cs.rate, append(append([]Visit{}, cs.mix...), cs.extra...)
		cs.mu.Unlock()
		pause := 100 * time.Millisecond
		if rate > 0 {
			pause = min(time.Duration(c.Rand.ExpFloat64()*float64(people)/rate*float64(time.Second)), 10*time.Second)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		if rate <= 0 {
			continue
		}
		if c.Session = c.kept(); c.Session == "" {
			_ = c.LogIn(ctx)
		}
		_ = choose(c.Rand, mix).Do(ctx, c) // what fails is counted, and people go on
	}
}

func choose(r *rand.Rand, mix []Visit) Visit {
	total := 0
	for _, v := range mix {
		total += v.Weight
	}
	n := r.IntN(total)
	for _, v := range mix {
		if n -= v.Weight; n < 0 {
			return v
		}
	}
	return mix[0]
}

// popular is a number below n, low ones far more often: some items are looked
// at by everybody.
func (c *Customer) popular(n int) int {
	f := c.Rand.Float64()
	return int(f * f * f * float64(n))
}

func (c *Customer) name() string { return fmt.Sprintf("customer%d", 1+c.Rand.IntN(300)) }

// LogIn gets a session and a token.
func (c *Customer) LogIn(ctx context.Context) error {
	n := c.number
	body := map[string]any{"name": fmt.Sprintf("customer%d", n), "password": fmt.Sprintf("secret%d", n)}
	answer, err := c.ask(ctx, http.MethodPost, "/login", body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	c.Session = c.kept()
	var got struct{ Token string }
	if json.NewDecoder(answer.Body).Decode(&got) == nil && got.Token != "" {
		c.Token = got.Token
	}
	return nil
}

// kept is the session that the browser would send to the whole shop; empty where
// it has none, or has thrown it away.
func (c *Customer) kept() string {
	home, err := url.Parse(c.Base + "/orders")
	if err != nil {
		return ""
	}
	for _, cookie := range c.jar.Cookies(home) {
		if cookie.Name == "session" {
			return cookie.Value
		}
	}
	return ""
}

// forget drops the session, as a page does that sends people to the login.
func (c *Customer) forget() {
	if home, err := url.Parse(c.Base + "/"); err == nil {
		c.jar.SetCookies(home, []*http.Cookie{{Name: "session", Path: "/", MaxAge: -1}})
	}
	c.Session = ""
}

// Get asks for a page.
func (c *Customer) Get(ctx context.Context, path string) error {
	return c.send(ctx, http.MethodGet, path, nil)
}

// Post sends something.
func (c *Customer) Post(ctx context.Context, path string, body any) error {
	return c.send(ctx, http.MethodPost, path, body)
}

// Newcomer is a person with a new browser: logs in, looks at the own orders, and
// again after a while, or logs in once more when sent to the login.
func Newcomer(weight int, stay time.Duration) Visit {
	return Visit{Name: "come with a new browser", Weight: weight, Do: func(ctx context.Context, c *Customer) error {
		n := &Customer{Base: c.Base, Rand: c.Rand, from: c.from, number: c.number, count: c.count}
		n.jar, _ = cookiejar.New(nil) // fails for no options
		for range 2 {
			if err := n.LogIn(ctx); err != nil {
				return err
			}
			for _, wait := range []time.Duration{0, stay / 3, stay} {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(wait):
				}
				n.Token = "" // a browser has none
				if err := n.Get(ctx, "/orders"); err != nil {
					return err
				}
			}
		}
		return nil
	}}
}

// Put changes something.
func (c *Customer) Put(ctx context.Context, path string, body any) error {
	return c.send(ctx, http.MethodPut, path, body)
}

func (c *Customer) send(ctx context.Context, method, path string, body any) error {
	answer, err := c.ask(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	if answer.StatusCode == http.StatusUnauthorized && path != "/login" {
		c.forget() // logs in again next time, as people do
	}
	return nil
}

// browsers have their own connections, as people's do, kept for a while.
var browsers = &http.Client{
	Timeout:       12 * time.Second,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 5 * time.Second},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (c *Customer) ask(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		sent = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.Base+path, sent)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Forwarded-For", c.from)
	// Half of them are programs with a token, half browsers with a cookie.
	if c.Token != "" && c.Rand.IntN(2) == 0 {
		request.Header.Set("Authorization", "Bearer "+c.Token)
	} else {
		for _, cookie := range c.jar.Cookies(request.URL) {
			request.AddCookie(cookie)
		}
	}
	began := time.Now()
	answer, err := browsers.Do(request)
	if err == nil {
		c.jar.SetCookies(request.URL, answer.Cookies())
	}
	if ctx.Err() == nil {
		c.count.remember(answered{at: time.Now(), took: time.Since(began), failed: err != nil || answer.StatusCode >= 500})
	}
	return answer, err
}
