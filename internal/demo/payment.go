package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// provider is the payment company: another server, on a port of its own.
type provider struct {
	address string
	server  *http.Server
	delay   atomic.Int64 // nanoseconds that each answer takes longer
	broken  atomic.Bool  // answers 503
}

func startProvider() (*provider, error) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open a port for the payment provider: %w", err)
	}
	p := &provider{address: socket.Addr().String()}
	p.server = &http.Server{Handler: http.HandlerFunc(p.charge), ReadHeaderTimeout: 5 * time.Second}
	go p.server.Serve(socket) //nolint:errcheck // it ends with ErrServerClosed when close says so
	return p, nil
}

// usualCharge is how long the provider takes on a good day.
const usualCharge = 15 * time.Millisecond

func (p *provider) charge(w http.ResponseWriter, r *http.Request) {
	select {
	case <-time.After(usualCharge + time.Duration(p.delay.Load())):
	case <-r.Context().Done():
		return
	}
	if p.broken.Load() {
		http.Error(w, "maintenance", http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, `{"charged":true}`) // the shop sees a broken answer by itself
}

func (p *provider) close() error { return p.server.Close() }

// payments is the shop's client of the provider.
type payments struct {
	host   string
	client *http.Client
	meter  *meter
	log    *journal
}

// paymentTimeout is how long the shop waits for the provider.
const paymentTimeout = 3 * time.Second

var (
	errPaymentDown    = errors.New("the payment provider did not take the charge")
	errPaymentTimeout = errors.New("the payment provider did not answer in time")
)

func newPayments(host string, m *meter, log *journal) *payments {
	return &payments{host: host, meter: m, log: log, client: &http.Client{
		Timeout: paymentTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: maxInFlight},
	}}
}

func (p *payments) close() { p.client.CloseIdleConnections() }

func (p *payments) charge(ctx context.Context, amount int) error {
	start := time.Now()
	status, err := p.post(ctx, amount)
	took := time.Since(start)
	result := "error"
	if status > 0 {
		result = strconv.Itoa(status)
	}
	p.meter.calls.add(1, p.host, result)
	p.meter.callDurations.observe(took.Seconds(), p.host)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case err != nil:
		p.log.warn("call failed", "host", p.host, "duration_ms", took.Milliseconds(), "error", err.Error())
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			return errPaymentTimeout
		}
		return fmt.Errorf("%w: %w", errPaymentDown, err)
	case status != http.StatusOK:
		p.log.warn("call failed", "host", p.host, "duration_ms", took.Milliseconds(), "status", status)
		return fmt.Errorf("%w: it answered %d", errPaymentDown, status)
	case took > time.Second:
		p.log.warn("slow call", "host", p.host, "duration_ms", took.Milliseconds())
	}
	return nil
}

func (p *payments) post(ctx context.Context, amount int) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("http://%s/charge?amount=%d", p.host, amount), nil)
	if err != nil {
		return 0, err
	}
	answer, err := p.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return 0, err
	}
	return answer.StatusCode, nil
}
