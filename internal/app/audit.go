package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/incident"
)

// VerifyAudit proves the record against its log, and against anchors that
// somebody keeps elsewhere.
func (d *Desk) VerifyAudit(ctx context.Context, anchors ...incident.Anchor) (incident.Verified, error) {
	auditable, ok := unwrapped(d.store).(incident.Auditable)
	if !ok {
		return incident.Verified{}, errors.New("this store keeps no audit log")
	}
	return incident.VerifyAudit(ctx, auditable, anchors...)
}

// ParseAnchor reads an anchor as `quell audit verify` prints it: N:HASH.
func ParseAnchor(text string) (incident.Anchor, error) {
	number, hash, ok := strings.Cut(text, ":")
	n, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || n < 1 || hash == "" {
		return incident.Anchor{}, fmt.Errorf("%q is no anchor: write what `quell audit verify` printed, like 812:5f3c…", text)
	}
	return incident.Anchor{N: n, Hash: hash}, nil
}
