package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"time"

	"github.com/quellhq/quell/internal/approval"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/keyring"
	"github.com/quellhq/quell/internal/secret"
	"github.com/quellhq/quell/internal/store"
)

// StoreSetup says where incidents are kept. The zero value is a file in this
// user's state directory.
type StoreSetup struct {
	Path string        // of a SQLite file
	DSN  secret.String // of a Postgres database
}

// StateDir is where Quell keeps what is its own on this machine: incidents,
// keys. $QUELL_STATE, or the state directory of the user (XDG base directory
// specification).
func StateDir() (string, error) {
	if dir := os.Getenv("QUELL_STATE"); dir != "" {
		return filepath.Abs(dir)
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "quell"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find where to keep incidents: %w: set QUELL_STATE to a directory", err)
	}
	return filepath.Join(home, ".local", "state", "quell"), nil
}

// OpenDesk opens the targets, the store and the key ring.
func OpenDesk(ctx context.Context, setup Setup, o DeskOptions) (*Desk, error) {
	note := o.Note
	if note == nil {
		note = func(string) {}
	}
	who := o.Who
	if who == "" {
		who = thisUser()
	}
	who, err := approval.Person(who)
	if err != nil {
		return nil, err
	}
	dir := o.State
	if dir == "" {
		if dir, err = StateDir(); err != nil {
			return nil, err
		}
	}
	if setup.MaskKey, err = secret.ReadKey(filepath.Join(dir, "mask.key")); err != nil {
		return nil, err
	}
	session, err := Open(setup)
	if err != nil {
		return nil, err
	}
	s, err := openStore(ctx, setup.Store, dir)
	if err != nil {
		session.Close()
		return nil, err
	}
	ring, err := keyring.Open(filepath.Join(dir, "keys"))
	if err != nil {
		session.Close()
		return nil, errors.Join(err, s.Close())
	}
	return &Desk{Session: session, store: outsideStore(s), ring: ring, who: who, now: time.Now, say: o.Say, note: note}, nil
}

// OpenRecord opens the store alone, for commands that ask no system.
func OpenRecord(ctx context.Context, setup Setup, o DeskOptions) (*Desk, error) {
	setup.Targets, setup.Services = nil, nil
	return OpenDesk(ctx, setup, o)
}

func openStore(ctx context.Context, s StoreSetup, dir string) (incident.Store, error) {
	cfg := store.Config{Path: s.Path, DSN: s.DSN}
	if s.Path == "" && s.DSN.Empty() {
		cfg.Path = filepath.Join(dir, "incidents.db")
	}
	return store.Open(ctx, cfg)
}

// thisUser is the name of whoever runs the process; behind sudo, of who did.
func thisUser() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// Close closes the targets and the store. It may be called twice.
func (d *Desk) Close() {
	d.Session.Close()
	// Everything that was reported as written is.
	_ = d.store.Close()
	_ = d.ring.Close()
}

// Store is the record.
func (d *Desk) Store() incident.Store { return d.store }

// Who is the person at the desk.
func (d *Desk) Who() string { return d.who }

// StopAll pulls the kill switch: no change is made by anybody who uses this
// store until it is let go with an empty why.
func (d *Desk) StopAll(ctx context.Context, why string) error {
	return d.store.Set(ctx, killSwitch, d.redact.Text(why), d.who, why)
}

// Stopped says why all changes are stopped; "" where they are not.
func (d *Desk) Stopped(ctx context.Context) (string, error) { return d.store.Get(ctx, killSwitch) }
