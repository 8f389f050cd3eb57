package demo

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// visitors are the shop's customers: requests at a steady rate whether or not
// the earlier ones were answered (an open loop), up to a bound.
type visitors struct {
	base   string
	client *http.Client
	rate   float64
	crowd  atomic.Int64 // times the usual rate; 1 normally
	random *rand.Rand   // of the goroutine that sends only
	places chan struct{}
	lost   atomic.Int64 // not sent, since the bound was reached

	mu     sync.Mutex
	visits []visit // the latest, in order of their ends; guarded by mu

	cancel context.CancelFunc
	done   sync.WaitGroup
}

// maxVisitors bounds the requests that wait for an answer at any time.
const maxVisitors = 160

func invite(ctx context.Context, base string, o Options) *visitors {
	ctx, cancel := context.WithCancel(ctx)
	v := &visitors{
		base: base, rate: o.Rate, cancel: cancel, places: make(chan struct{}, maxVisitors),
		random: rand.New(rand.NewPCG(o.Seed, 2)),
		client: &http.Client{Timeout: requestTimeout + time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: maxVisitors}},
	}
	v.crowd.Store(1)
	v.done.Add(1)
	go func() {
		defer v.done.Done()
		v.come(ctx)
	}()
	return v
}

// come sends requests at random intervals around the rate until ctx ends.
func (v *visitors) come(ctx context.Context) {
	due := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		for now := time.Now(); !due.After(now); {
			due = due.Add(v.pause())
			v.send(ctx)
		}
		timer.Reset(time.Until(due))
	}
}

// pause is the time to the next visitor: between a half and one and a half of the mean.
func (v *visitors) pause() time.Duration {
	mean := float64(time.Second) / (v.rate * float64(v.crowd.Load()))
	return time.Duration(mean * (0.5 + v.random.Float64()))
}

func (v *visitors) send(ctx context.Context) {
	method, path := v.wish()
	select {
	case v.places <- struct{}{}:
	default:
		v.lost.Add(1)
		return
	}
	v.done.Add(1)
	go func() {
		defer v.done.Done()
		defer func() { <-v.places }()
		request, err := http.NewRequestWithContext(ctx, method, v.base+path, strings.NewReader(""))
		if err != nil {
			return
		}
		begun := time.Now()
		answer, err := v.client.Do(request)
		if err != nil {
			v.remember(begun, false)
			return
		}
		_, err = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		v.remember(begun, err == nil && answer.StatusCode < 500)
	}()
}

// wish is what the next visitor wants: of a hundred, 36 see the front page, 22
// a product, 22 their orders, 15 buy (half with a coupon, of which most
// are not valid any more), 5 look at one order.
func (v *visitors) wish() (method, path string) {
	customer := 1 + v.random.IntN(customers)
	switch p := v.random.IntN(100); {
	case p < 36:
		return http.MethodGet, "/products"
	case p < 58:
		return http.MethodGet, fmt.Sprintf("/products/%d", 1+v.random.IntN(products))
	case p < 80:
		return http.MethodGet, fmt.Sprintf("/customers/%d/orders", customer)
	case p < 95:
		return http.MethodPost, fmt.Sprintf("/checkout?customer=%d&product=%d&coupon=%s", customer, 1+v.random.IntN(products), v.coupon())
	}
	return http.MethodGet, fmt.Sprintf("/orders/%d", 1+v.random.IntN(1000))
}

func (v *visitors) coupon() string {
	switch p := v.random.IntN(9); {
	case p < 2:
		return couponCode(v.random.IntN(coupons))
	case p < 5:
		return "EXPIRED"
	}
	return ""
}

// leave ends the visits and waits until the last visitor is gone.
func (v *visitors) leave() {
	v.cancel()
	v.done.Wait()
	v.client.CloseIdleConnections()
}
