package process

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// healthTime bounds one look at the service's health.
const healthTime = 3 * time.Second

// readHealth checks the address of the health question.
func (c *config) readHealth() error {
	if c.Health == "" {
		return nil
	}
	if strings.HasPrefix(c.Health, "http://") || strings.HasPrefix(c.Health, "https://") {
		u, err := url.Parse(c.Health)
		if err != nil || u.Host == "" || u.User != nil {
			return fmt.Errorf("health: %q is no address without credentials", c.Health)
		}
		return nil
	}
	c.Health = strings.TrimPrefix(c.Health, "tcp:")
	if _, _, err := net.SplitHostPort(c.Health); err != nil {
		return fmt.Errorf("health: %q is neither a URL nor host:port", c.Health)
	}
	return nil
}

// ill says why the service is not well; "" where it is, or where no health
// question is set.
func (c config) ill(ctx context.Context) string {
	if c.Health == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	if strings.Contains(c.Health, "://") {
		return illHTTP(ctx, c.Health)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", c.Health)
	if err != nil {
		return fmt.Sprintf("nothing answers at %s", c.Health)
	}
	_ = conn.Close()
	return ""
}

// illHTTP asks once, on a connection of its own: one that was opened to the
// former process says nothing of the new one.
func illHTTP(ctx context.Context, address string) string {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err.Error()
	}
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(r)
	if err != nil {
		return fmt.Sprintf("nothing answers at %s", address)
	}
	_ = resp.Body.Close()
	if resp.StatusCode >= 400 {
		return fmt.Sprintf("%s answers %s", address, resp.Status)
	}
	return ""
}

// awaitHealth waits until the service is well, at most for the patience, and
// says why it is not.
func (c config) awaitHealth(ctx context.Context, patience time.Duration) string {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		why := c.ill(ctx)
		if why == "" || !pause(ctx) {
			return why
		}
	}
}

// pause waits a moment; false when the time is over.
func pause(ctx context.Context) bool {
	timer := time.NewTimer(50 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
