package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/quellhq/quell/internal/incident"
)

// sqliteEngine is a file of this machine. Writers of this process queue for its
// one connection that writes, those of others for the lock of BEGIN IMMEDIATE.
type sqliteEngine struct {
	path string
	now  func() time.Time
	era  string      // see clock
	file os.FileInfo // which file path was when it was opened
}

func openSQLite(_ context.Context, cfg Config) (*Store, error) {
	path, err := filepath.Abs(cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("open the incident store %s: %w", cfg.Path, err)
	}
	if err := makeFile(path); err != nil {
		return nil, fmt.Errorf("open the incident store: %w: %w", incident.ErrUnavailable, err)
	}
	e := &sqliteEngine{path: path, now: cfg.Now, era: bootEra()}
	write, err := sql.Open("sqlite", sqliteAddress(path, 0, ""))
	if err != nil {
		return nil, fmt.Errorf("open the incident store %s: %w", path, err)
	}
	read, err := sql.Open("sqlite", sqliteAddress(path, cfg.Patience, "&_pragma=query_only(1)"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the incident store %s: %w", path, err), write.Close())
	}
	write.SetMaxOpenConns(1)
	read.SetMaxOpenConns(poolSize)
	read.SetMaxIdleConns(poolSize)
	return &Store{cfg: cfg, engine: e, write: write, read: read}, nil
}

// sqliteAddress turns the path into the URI that SQLite reads. FULL makes every
// commit wait until it is on disk.
func sqliteAddress(path string, wait time.Duration, more string) string {
	file := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path)}
	return fmt.Sprintf("%s?_pragma=busy_timeout(%d)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=journal_size_limit(%d)%s",
		file.String(), wait.Milliseconds(), MaxCallBytes, more)
}

// makeFile makes an empty file for its owner alone, and its directory, where
// they are missing. A file that exists is not even opened here: closing it
// would take away the locks that SQLite holds on it for this process.
func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// opened makes the names of new files as durable as what is in them, and
// remembers which file it was.
func (e *sqliteEngine) opened() (err error) {
	if e.file, err = os.Stat(e.path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(e.path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (e *sqliteEngine) where() string { return e.path }

// begin refuses a file that was taken away or replaced: writing to it would
// succeed, and nobody would ever read it.
func (e *sqliteEngine) begin(ctx context.Context, conn *sql.Conn) error {
	if e.file != nil {
		if now, err := os.Stat(e.path); err != nil || !os.SameFile(now, e.file) {
			return errReplaced
		}
	}
	_, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE")
	return err
}

var errReplaced = errors.New("the file was removed or replaced while it was in use: restart with the right one in its place")

func (e *sqliteEngine) again(err error) bool {
	code := sqliteCode(err)
	return code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_PROTOCOL
}

func (e *sqliteEngine) broken(*sql.Conn) bool { return false }

// aborted: of a commit that found no room, could not write, or did not get its
// lock, the last page is certainly missing, and the others count for nothing
// without it. After other failures all of it may be on disk.
func (e *sqliteEngine) aborted(err error) bool {
	var failure *sqlite.Error
	if errors.As(err, &failure) && failure.Code() == sqlite3.SQLITE_IOERR_WRITE {
		return true
	}
	code := sqliteCode(err)
	return code == sqlite3.SQLITE_FULL || code == sqlite3.SQLITE_BUSY
}

// prepare does nothing: BEGIN IMMEDIATE has locked the whole file.
func (e *sqliteEngine) prepare(context.Context, *sql.Conn) error { return nil }

func (e *sqliteEngine) plain(err error) string {
	var failure *sqlite.Error
	if !errors.As(err, &failure) {
		return e.path + ": " + err.Error()
	}
	dir := filepath.Dir(e.path)
	switch sqliteCode(err) {
	case sqlite3.SQLITE_FULL:
		return "the disk under " + dir + " is full"
	case sqlite3.SQLITE_IOERR:
		if full(dir) {
			return "the disk under " + dir + " is full"
		}
		return "the disk under " + dir + " fails: " + failure.Error()
	case sqlite3.SQLITE_BUSY:
		return "another process has been writing to " + e.path + " all the time"
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return e.path + " cannot be written: check its owner and permissions, and those of its directory: " + failure.Error()
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return e.path + " is damaged, or is no incident store: " + failure.Error()
	}
	return e.path + ": " + strings.TrimSpace(failure.Error())
}

// sqliteCode is the primary result code of an error, 0 where it is not SQLite's.
func sqliteCode(err error) int {
	var failure *sqlite.Error
	if !errors.As(err, &failure) {
		return 0
	}
	return failure.Code() & 0xff
}
