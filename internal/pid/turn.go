package pid

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// ErrTaken says that somebody else on this machine is changing the same thing.
var ErrTaken = errors.New("another quell on this machine is changing the same service")

// Turn takes the only turn on this machine to change what is called name, so
// that two who look and then act do not both act. It waits up to the patience,
// then ErrTaken. release gives it back; so does the kernel when we are gone,
// since the turn is a name in the abstract socket space and no file.
func Turn(ctx context.Context, patience time.Duration, name string) (release func(), err error) {
	sum := sha256.Sum256([]byte(name))
	address := "@quell/turn/" + hex.EncodeToString(sum[:16])
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(step)
	defer tick.Stop()
	for {
		l, err := (&net.ListenConfig{}).Listen(context.WithoutCancel(ctx), "unix", address)
		if err == nil {
			return func() { _ = l.Close() }, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("take the turn to change %s: %w", name, err)
		}
		select {
		case <-ctx.Done():
			return nil, ErrTaken
		case <-tick.C:
		}
	}
}
