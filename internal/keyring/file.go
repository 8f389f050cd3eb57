package keyring

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// A key lies in PEM as PKCS #8, which openssl reads and writes too.
const block = "PRIVATE KEY"

// most bytes that a file of a key may have; one has 119.
const most = 4 << 10

// read reads a key that nobody else may read.
func (r *Ring) read(at string) (ed25519.PrivateKey, error) {
	// Looked at before it is opened: a pipe would be waited for.
	info, err := r.root.Lstat(at)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is no plain file")
	}
	f, err := r.root.Open(at)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("others may read or write it (%#o): chmod 600, or, if somebody has, remove it so that a new one is made", mode)
	}
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	return parse(data)
}

func parse(data []byte) (ed25519.PrivateKey, error) {
	b, _ := pem.Decode(data)
	if b == nil || b.Type != block || len(data) > most {
		return nil, errors.New("it holds no key: one stands between lines of PEM, " + block)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(b.Bytes)
	if err != nil {
		return nil, errors.New("it holds no key that can be read")
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("it holds a %T, and only ed25519 keys sign approvals", parsed)
	}
	return key, nil
}

// create makes a person's key, unless somebody else does so at the same time.
// The file appears as a whole or not at all.
func (r *Ring) create(name string) error {
	at, err := file(name)
	if err != nil {
		return err
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key for %s: %w", name, err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("make a key for %s: %w", name, err)
	}
	draft := at + "." + rand.Text()
	defer func() { _ = r.root.Remove(draft) }()
	err = r.write(draft, pem.EncodeToMemory(&pem.Block{Type: block, Bytes: der}))
	if err == nil {
		err = r.root.Link(draft, at)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("keep the new key of %s in %s: %w", name, r.dir, err)
	}
	return nil
}

func (r *Ring) write(at string, data []byte) error {
	f, err := r.root.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}
