package connector

import (
	"context"
	"time"
)

// Within bounds ctx to d, and to nine tenths of the time that ctx has left:
// a connector for which silence is an answer (http, tcp, dns, tls) needs the
// last tenth to say so before its own deadline passes.
func Within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		d = min(d, time.Until(deadline)*9/10)
	}
	return context.WithTimeout(ctx, d)
}
