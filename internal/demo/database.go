package demo

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// database is the shop's SQL database behind a bounded pool. Every statement
// has a name, and is measured under it.
type database struct {
	meter     *meter
	log       *journal
	roundTrip time.Duration

	pool *sql.DB
	mu   sync.Mutex
	lost []*sql.Conn // connections that the leak took; guarded by mu
}

// errPoolTimeout is a request that got no connection in time.
var errPoolTimeout = fmt.Errorf("timed out after %s waiting for a database connection", poolTimeout)

func openDatabase(ctx context.Context, path string, o settings, m *meter, log *journal) (*database, error) {
	address := fmt.Sprintf("file:%s?_pragma=busy_timeout(%d)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_txlock=immediate",
		path, lockTimeout.Milliseconds())
	_, missing := os.Stat(path)
	filled := missing == nil // by the process before this one
	pool, err := sql.Open("sqlite", address)
	if err != nil {
		return nil, fmt.Errorf("open the shop's database: %w", err)
	}
	d := &database{meter: m, log: log, roundTrip: o.RoundTrip, pool: pool}
	d.resize(poolSize)
	if filled {
		return d, nil
	}
	if err := d.fill(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("fill the shop's database: %w", err), pool.Close())
	}
	return d, nil
}

// resize sets how many connections there may be.
func (d *database) resize(n int) {
	d.pool.SetMaxOpenConns(n)
	d.pool.SetMaxIdleConns(n)
}

func (d *database) stats() sql.DBStats { return d.pool.Stats() }

func (d *database) close() error {
	d.forgive()
	return d.pool.Close()
}

// take gets a connection from the pool. The caller must give it back with Close.
func (d *database) take(ctx context.Context) (*sql.Conn, error) {
	patience, cancel := context.WithTimeout(ctx, poolTimeout)
	defer cancel()
	conn, err := d.pool.Conn(patience)
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return nil, errPoolTimeout
	}
	return conn, err
}

// forgive ends the connections that the leak took.
func (d *database) forgive() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.lost {
		_ = c.Close() // nothing to do about one that is closed already
	}
	d.lost = nil
}

func (d *database) lostCount() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.lost)
}

// query runs one named statement on a connection and hands each row to scan.
func (d *database) query(ctx context.Context, conn *sql.Conn, statement, text string, args []any, scan func(*sql.Rows) error) error {
	return d.measure(statement, 1, func() error {
		rows, err := conn.QueryContext(ctx, text, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// ask takes a connection for one statement.
func (d *database) ask(ctx context.Context, statement, text string, args []any, scan func(*sql.Rows) error) error {
	conn, err := d.take(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return d.query(ctx, conn, statement, text, args, scan)
}

// slowStatement is from when on a statement is worth a line in the log.
const slowStatement = 500 * time.Millisecond

// measure times a statement, with the way to the database and back so many times.
func (d *database) measure(statement string, trips int, run func() error) error {
	start := time.Now()
	time.Sleep(time.Duration(trips) * d.roundTrip)
	err := run()
	took := time.Since(start)
	d.meter.statements.observe(took.Seconds(), statement)
	if err != nil {
		d.meter.rows.add(1, statement, errorType(err))
	}
	if took >= slowStatement {
		d.log.warn("slow statement", "query", statement, "duration_ms", took.Milliseconds())
	}
	return err
}

// errorType names the kind of an error, for logs and metrics.
func errorType(err error) string {
	switch {
	case errors.Is(err, errPoolTimeout):
		return "PoolTimeout"
	case strings.Contains(err.Error(), "database is locked"):
		return "LockTimeout"
	case errors.Is(err, errOverloaded):
		return "Overloaded"
	case errors.Is(err, errNotFound):
		return "NotFound"
	case errors.Is(err, errCoupon):
		return "CouponInvalid"
	case errors.Is(err, errPaymentDown):
		return "PaymentUnavailable"
	case errors.Is(err, errPaymentTimeout):
		return "PaymentTimeout"
	case errors.Is(err, errDiscount):
		return "MissingFieldError"
	case errors.Is(err, context.DeadlineExceeded):
		return "RequestTimeout"
	case errors.Is(err, context.Canceled):
		return "ClientGone"
	}
	return "InternalError"
}

const (
	customers = 3000
	products  = 400
	coupons   = 50
)

const ordersIndex = `CREATE INDEX IF NOT EXISTS orders_by_customer ON orders (customer_id)`

// fill creates the tables and the orders of the past.
func (d *database) fill(ctx context.Context, o settings) error {
	tx, err := d.pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit there is nothing to roll back
	for _, text := range []string{
		`CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT, price INTEGER, stock INTEGER)`,
		`CREATE TABLE coupons (code TEXT PRIMARY KEY, discount INTEGER)`,
		`CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, note TEXT, total INTEGER, at INTEGER)`,
		`CREATE TABLE order_lines (id INTEGER PRIMARY KEY, order_id INTEGER, product_id INTEGER, quantity INTEGER)`,
	} {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	random := rand.New(rand.NewPCG(o.Seed, 1))
	if err := goods(ctx, tx, random); err != nil {
		return err
	}
	if err := past(ctx, tx, random, o.Orders); err != nil {
		return err
	}
	for _, text := range []string{ordersIndex, `CREATE INDEX lines_by_order ON order_lines (order_id)`} {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func goods(ctx context.Context, tx *sql.Tx, random *rand.Rand) error {
	for id := 1; id <= products; id++ {
		if _, err := tx.ExecContext(ctx, `INSERT INTO products VALUES (?, ?, ?, 1000000)`, id, fmt.Sprintf("product %d", id), 100+random.IntN(9900)); err != nil {
			return err
		}
	}
	for id := range coupons {
		if _, err := tx.ExecContext(ctx, `INSERT INTO coupons VALUES (?, ?)`, couponCode(id), 5+random.IntN(20)); err != nil {
			return err
		}
	}
	return nil
}

func couponCode(id int) string { return fmt.Sprintf("SAVE%02d", id) }

// past writes n orders of one to three lines. The database makes them up
// itself, in one statement each, from the numbers of the rows: that is three
// times as fast as sending them.
func past(ctx context.Context, tx *sql.Tx, random *rand.Rand, n int) error {
	note := strings.Repeat("please leave it with the neighbours ", 3)
	salt := random.IntN(1 << 16)
	_, err := tx.ExecContext(ctx, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO orders SELECT i, 1 + (i * 7919 + ?) % ?, ?, (i * 104729) % 20000, i FROM n`, n, salt, customers, note)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO order_lines (order_id, product_id, quantity)
		SELECT o.id, 1 + (o.id * 31 * k.i + ?) % ?, k.i FROM orders o, (SELECT 1 AS i UNION ALL SELECT 2 UNION ALL SELECT 3) k
		WHERE k.i <= 1 + o.id % 3 ORDER BY o.id`, salt, products)
	return err
}
