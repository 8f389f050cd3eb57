package demo

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// checkout prices the goods, charges them, and writes the order.
func (s *server) checkout(ctx context.Context, r *http.Request) (any, error) {
	customer, err := strconv.Atoi(r.FormValue("customer"))
	if err != nil {
		return nil, errNotFound
	}
	product, err := strconv.Atoi(r.FormValue("product"))
	if err != nil {
		return nil, errNotFound
	}
	price, err := s.price(ctx, product, r.FormValue("coupon"))
	if err != nil {
		return nil, err
	}
	if !s.later.Load() {
		if err := s.payments.charge(ctx, price); err != nil {
			return nil, err
		}
	}
	order, err := s.write(ctx, customer, product, price)
	if err != nil {
		return nil, err
	}
	s.queue.add(order)
	return map[string]any{"order": order, "total": price}, nil
}

// price is what the product costs with the coupon.
func (s *server) price(ctx context.Context, product int, coupon string) (int, error) {
	conn, err := s.db.take(ctx)
	if err != nil {
		return 0, err
	}
	price, err := s.priceOn(ctx, conn, product, coupon)
	if err != nil && s.bugs.leak.Load() {
		// The mistake: this path returns without conn.Close.
		s.db.mu.Lock()
		s.db.lost = append(s.db.lost, conn)
		s.db.mu.Unlock()
		return 0, err
	}
	_ = conn.Close() // gives it back; a broken one is replaced by the pool
	return price, err
}

func (s *server) priceOn(ctx context.Context, conn *sql.Conn, product int, coupon string) (int, error) {
	price := 0
	err := s.db.query(ctx, conn, "price_of_product", `SELECT price FROM products WHERE id = ?`, []any{product}, func(rows *sql.Rows) error {
		return rows.Scan(&price)
	})
	if err != nil || coupon == "" {
		return price, err
	}
	discount := 0
	err = s.db.query(ctx, conn, "coupon_by_code", `SELECT discount FROM coupons WHERE code = ?`, []any{coupon}, func(rows *sql.Rows) error {
		return rows.Scan(&discount)
	})
	if err != nil {
		return 0, err
	}
	if discount == 0 {
		return 0, errCoupon
	}
	if s.bugs.priceRules.Load() {
		// The mistake of the new version: it reads the rate from rules that
		// only one of the coupons has.
		rules := map[string]int{"SAVE00": 10}
		rate, ok := rules[coupon]
		if !ok {
			return 0, fmt.Errorf("price with coupon: %w", errDiscount)
		}
		discount = rate
	}
	return price - price*discount/100, nil
}

// write stores the order with its line in one transaction.
func (s *server) write(ctx context.Context, customer, product, price int) (int64, error) {
	conn, err := s.db.take(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	var order int64
	err = s.db.measure("insert_order", 3, func() error { // begin, the statements, commit
		tx, err := conn.BeginTx(ctx, nil) // takes the write lock
		if err != nil {
			return err
		}
		defer tx.Rollback() //nolint:errcheck // after Commit there is nothing to roll back
		result, err := tx.ExecContext(ctx, `INSERT INTO orders (customer_id, note, total, at) VALUES (?, '', ?, ?)`, customer, price, time.Now().Unix())
		if err != nil {
			return err
		}
		if order, err = result.LastInsertId(); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO order_lines (order_id, product_id, quantity) VALUES (?, ?, 1)`, order, product); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE products SET stock = stock - 1 WHERE id = ?`, product); err != nil {
			return err
		}
		return tx.Commit()
	})
	return order, err
}

// work runs one job: it makes the receipt of an order.
func (s *server) work(ctx context.Context, j job) error {
	if s.bugs.workerPanic.Load() {
		var templates map[string]string
		templates["receipt"] = "v2" //nolint:staticcheck // the mistake: the map was never made
	}
	total := -1
	err := s.db.ask(ctx, "receipt_of_order", `SELECT total FROM orders WHERE id = ?`, []any{j.order}, func(rows *sql.Rows) error {
		return rows.Scan(&total)
	})
	if err != nil {
		return err
	}
	if total < 0 {
		if s.bugs.retryForever.Load() {
			// The mistake: a job that can never succeed goes back to the head
			// of the queue, without a limit and without a pause.
			j.attempt++
			defer s.queue.addFirst(j)
		}
		time.Sleep(20 * time.Millisecond) // looks it up in the archive as well
		return fmt.Errorf("order %d not found", j.order)
	}
	time.Sleep(8 * time.Millisecond) // sets the page
	return nil
}

// warm fills the caches before the doors open.
func (s *server) warm(ctx context.Context) error {
	if _, err := s.front(ctx, nil); err != nil {
		return fmt.Errorf("warm the cache: %w", err)
	}
	for id := 1; id <= products; id++ {
		s.cache.put(strconv.Itoa(id), keep{cache: "product", ttl: 5 * time.Minute}, map[string]any{"id": id, "name": fmt.Sprintf("product %d", id)})
	}
	return nil
}

// remember is where the memory faults sit: both keep something of every request.
func (s *server) remember(r *http.Request) {
	switch {
	case s.bugs.memoryLeak.Load():
		s.attic.keep()
	case s.bugs.endlessCache.Load():
		// The mistake: the key has the visitor's tracking code in it, so no
		// entry is ever found again, and nothing limits their number.
		if s.attic.room() {
			s.cache.put(r.URL.String()+"#"+strconv.FormatInt(s.requests.Load(), 10), keep{cache: "page", ttl: time.Hour}, s.attic.page())
		}
	}
}
