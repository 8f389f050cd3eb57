// Package keyring keeps the keys with which people sign approvals: a directory
// with one file a person, which nobody else on the machine may read. Whoever
// may read a file can sign as that person; that is all the identity there is.
package keyring

import (
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/quellhq/quell/internal/approval"
)

// ErrNone is returned, wrapped, for a person who has no key here.
var ErrNone = errors.New("has no key here")

// Ring is an opened directory of keys. Its methods may be called by several
// goroutines and processes at once.
type Ring struct {
	dir  string
	root *os.Root
}

// Open opens the directory, and makes it where there is none. One that others
// may write into is refused: they could put their key in the place of another.
func Open(dir string) (*Ring, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of keys: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the directory of keys: %w", err)
	}
	info, err := root.Stat(".")
	if err == nil && info.Mode().Perm()&0o022 != 0 {
		err = fmt.Errorf("others may write into it: chmod 700 %s", dir)
	}
	if err != nil {
		_ = root.Close()
		return nil, fmt.Errorf("open the directory of keys: %s: %w", dir, err)
	}
	return &Ring{dir, root}, nil
}

// Close gives the directory back. Signers go on working.
func (r *Ring) Close() error { return r.root.Close() }

// Public is the public key of a person, ErrNone where there is none.
func (r *Ring) Public(name string) (ed25519.PublicKey, error) {
	key, err := r.load(name)
	if err != nil {
		return nil, err
	}
	return key.Public().(ed25519.PublicKey), nil
}

// Signer signs as a person, with a key that is made where there is none yet.
func (r *Ring) Signer(name string) (crypto.Signer, error) {
	key, err := r.load(name)
	if errors.Is(err, ErrNone) {
		if err = r.create(name); err == nil {
			key, err = r.load(name)
		}
	}
	if err != nil {
		return nil, err
	}
	return signer{key}, nil
}

// file is the name of a person's file. No name of a person leads out of the
// directory, and the root would not follow one.
func file(name string) (string, error) {
	proper, err := approval.Person(name)
	if err != nil {
		return "", err
	}
	return proper + ".key", nil
}

func (r *Ring) load(name string) (ed25519.PrivateKey, error) {
	at, err := file(name)
	if err != nil {
		return nil, err
	}
	key, err := r.read(at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s %w (%s)", name, ErrNone, filepath.Join(r.dir, at))
	case err != nil:
		return nil, fmt.Errorf("read the key of %s: %s: %w", name, filepath.Join(r.dir, at), err)
	}
	return key, nil
}
