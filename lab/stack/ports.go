package stack

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

// Ports are taken from below those that the kernel gives to outgoing
// connections (32768 and up, as it comes): one of those could be somebody's
// connection by the time that its server starts.
const (
	lowestPort  = 12_000
	highestPort = 32_000
)

// ports are free ones of the loopback interface, all different.
func ports(n int) ([]int, error) {
	var found []int
	var held []net.Listener
	defer func() {
		for _, l := range held {
			l.Close()
		}
	}()
	var last error
	for tries := 0; len(found) < n; tries++ {
		if tries > 100*n {
			return nil, fmt.Errorf("find a free port between %d and %d: %w", lowestPort, highestPort, last)
		}
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			last = err
			continue
		}
		held = append(held, l)
		found = append(found, port)
	}
	return found, nil
}

// answers waits until a URL answers with a status below 500.
func answers(ctx context.Context, url string) error {
	var last error
	client := &http.Client{Timeout: 2 * time.Second}
	for {
		answer, err := client.Get(url)
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode < 500 {
				return nil
			}
			err = fmt.Errorf("status %d", answer.StatusCode)
		}
		last = err
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", url, last)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// accepts waits until somebody listens.
func accepts(ctx context.Context, address string) error {
	for {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("nobody listens on %s: %w", address, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
