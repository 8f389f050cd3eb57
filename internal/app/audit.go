package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/incident"
)

// VerifyAudit proves the record against its log, and against an anchor that an
// earlier run printed ("N:HASH"), where one is given.
func (d *Desk) VerifyAudit(ctx context.Context, anchor string) (incident.Verified, error) {
	auditable, ok := unwrapped(d.store).(incident.Auditable)
	if !ok {
		return incident.Verified{}, errors.New("this store keeps no audit log")
	}
	var anchors []incident.Anchor
	if anchor != "" {
		number, hash, ok := strings.Cut(anchor, ":")
		n, err := strconv.ParseInt(number, 10, 64)
		if !ok || err != nil || n < 1 {
			return incident.Verified{}, fmt.Errorf("%q is no anchor: write what `quell audit verify` printed, like 812:5f3c…", anchor)
		}
		anchors = append(anchors, incident.Anchor{N: n, Hash: hash})
	}
	return incident.VerifyAudit(ctx, auditable, anchors...)
}
