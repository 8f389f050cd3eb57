package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/quellhq/quell/internal/pid"
)

func (d Daemon) asked(name string) string { return filepath.Join(d.Records, name+".stop") }

// Asked reports whether an instance was asked to end.
func (d Daemon) Asked(name string) bool {
	_, err := os.Stat(d.asked(name))
	return err == nil
}

// Stop asks an instance to end, once: many programs take a second signal for an
// order to drop what they do. That it was asked is written down before, so that
// a crash in between can lose the signal and not repeat it. One that was asked
// or has ended is nil too. Errors: pid.ErrDenied, or what kept it from being
// asked.
func (d Daemon) Stop(name string, id pid.ID) error {
	mark, err := os.OpenFile(d.asked(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write down that %s was asked to end: %w", name, err)
	}
	_ = mark.Close()
	err = pid.Signal(id, syscall.SIGTERM)
	if errors.Is(err, pid.ErrGone) {
		return nil
	}
	if err != nil {
		_ = os.Remove(d.asked(name))
	}
	return err
}
