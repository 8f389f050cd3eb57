package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// invoices is a release that writes an invoice for each order.
func invoices(dir string, bytes, files int) []stack.Edit {
	return []stack.Edit{
		{File: "orders/purchases.py", Old: "    jobs.receipt(order)\n", New: fmt.Sprintf(
			"    for part in range(%d):\n        with open(f\"%s/{order}-{part}.pdf\", \"wb\") as invoice:\n            invoice.write(bytes(%d))\n    jobs.receipt(order)\n", files, dir, bytes)},
	}
}

// mounted makes a file system of its own where invoices are kept.
func mounted(s *stack.Stack, options string) (string, error) {
	dir := s.Path("disk")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if err := syscall.Mount("invoices", dir, "tmpfs", 0, options); err != nil {
		return "", fmt.Errorf("mount a small disk: %w", err)
	}
	return dir, nil
}

// diskFull is a disk of invoices that nobody has emptied.
func diskFull() Fault {
	return Fault{
		Name: "disk-full", Group: "Capacity", Cause: "C-disk-full",
		About:      "invoices are written to a disk of their own, and it is full",
		Truth:      one("startup/limits#a-disk-is-full"),
		LookAlikes: []string{"C-inodes-used-up", "C-bad-deploy"},
		Needs:      []string{"root"}, Settle: 40 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			dir, err := mounted(s, "size=70m")
			if err != nil {
				return nil, err
			}
			return released(ctx, s, "Invoices", invoices(dir, between(r, 5, 8)*1_000_000, 1))
		},
	}
}

// inodesUsedUp is the same with many small files.
func inodesUsedUp() Fault {
	return Fault{
		Name: "inodes-used-up", Group: "Capacity", Cause: "C-inodes-used-up",
		About:      "invoices are written in many small parts, and the disk can hold no further file",
		Truth:      one("startup/limits#inodes-are-used-up"),
		LookAlikes: []string{"C-disk-full", "C-bad-deploy"},
		Needs:      []string{"root"}, Settle: 40 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			dir, err := mounted(s, fmt.Sprintf("size=70m,nr_inodes=%d", between(r, 150, 250)))
			if err != nil {
				return nil, err
			}
			return released(ctx, s, "Invoices", invoices(dir, 100, 30))
		},
	}
}
