package fault

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"
)

// said waits until a log holds a text.
func said(ctx context.Context, log, text string) error {
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		data, err := os.ReadFile(log)
		if err != nil {
			return fmt.Errorf("read a log: %w", err)
		}
		if bytes.Contains(data, []byte(text)) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s did not say %q within 30 s", log, text)
}
