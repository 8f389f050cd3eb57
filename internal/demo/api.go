package demo

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// routes is the shop's HTTP API.
func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", s.health)
	mux.HandleFunc("GET /version", s.showVersion)
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.HandleFunc("GET /products", s.answer("/products", s.front))
	mux.HandleFunc("GET /products/{id}", s.answer("/products/{id}", s.product))
	mux.HandleFunc("GET /customers/{id}/orders", s.answer("/customers/{id}/orders", s.orders))
	mux.HandleFunc("GET /orders/{id}", s.answer("/orders/{id}", s.order))
	mux.HandleFunc("POST /checkout", s.answer("/checkout", s.checkout))
	s.admin(mux)
	s.hand(mux)
	return mux
}

func (s *server) metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_ = s.meter.write(w) // a scraper that goes away needs no word from us
}

func (s *server) health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"status": "ok", "version": s.version()})
}

func (s *server) showVersion(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"version": s.version(), "started": s.started})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the visitor may have left
}

// endpoint answers a request with a value or an error.
type endpoint func(ctx context.Context, r *http.Request) (any, error)

// answer wraps an endpoint with the limit, the deadline, the measures and the
// line in the log that every request gets.
func (s *server) answer(path string, e endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		id := fmt.Sprintf("r%06d", s.requests.Add(1))
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()

		var value any
		err := errOverloaded
		if s.inFlight.Add(1) <= maxInFlight {
			s.remember(r)
			value, err = e(ctx, r)
		}
		s.inFlight.Add(-1)
		status := statusOf(err)
		took := time.Since(start)
		s.meter.requests.add(1, r.Method, path, strconv.Itoa(status), s.version())
		s.meter.durations.observe(took.Seconds(), path)
		s.tell(id, r.Method, path, status, took, err)
		if err != nil {
			writeJSON(w, status, map[string]any{"error": err.Error(), "request_id": id})
			return
		}
		writeJSON(w, status, value)
	}
}

func (s *server) tell(id, method, path string, status int, took time.Duration, err error) {
	fields := []any{"request_id", id, "method", method, "path", path, "status", status, "duration_ms", float64(took.Microseconds()) / 1000}
	switch {
	case err == nil:
		s.log.info("request", fields...)
	case status >= 500:
		s.log.error("request failed", append(fields, "error_type", errorType(err), "error", err.Error())...)
	default:
		s.log.info("request refused", append(fields, "error_type", errorType(err), "error", err.Error())...)
	}
}

var (
	errOverloaded = errors.New("too many requests at once")
	errNotFound   = errors.New("no such thing")
	errCoupon     = errors.New("this coupon is not valid")
	errDiscount   = errors.New("field discount_rate is missing in the price rules")
)

func statusOf(err error) int {
	switch {
	case err == nil:
		return http.StatusOK
	case errors.Is(err, errNotFound):
		return http.StatusNotFound
	case errors.Is(err, errCoupon):
		return http.StatusUnprocessableEntity
	case errors.Is(err, errOverloaded), errors.Is(err, errPoolTimeout):
		return http.StatusServiceUnavailable
	case errors.Is(err, errPaymentDown):
		return http.StatusBadGateway
	case errors.Is(err, errPaymentTimeout), errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	case errors.Is(err, context.Canceled):
		return 499 // the visitor left
	}
	return http.StatusInternalServerError
}

const frontText = `SELECT p.id, p.name, p.price, sum(l.quantity) AS sold
FROM orders o JOIN order_lines l ON l.order_id = o.id JOIN products p ON p.id = l.product_id
WHERE o.id > (SELECT max(id) - 120000 FROM orders)
GROUP BY p.id, p.name, p.price ORDER BY sold DESC LIMIT 20`

// front is the page that everyone sees first: what sells best. It is dear to
// compute and the same for all, so it lives in the cache.
func (s *server) front(ctx context.Context, _ *http.Request) (any, error) {
	k := keep{cache: "front", ttl: time.Minute}
	if s.bugs.stampede.Load() {
		k.ttl, k.herd = 2*time.Second, true
	}
	return s.cache.get(ctx, "best-sellers", k, func(ctx context.Context) (any, error) {
		list := []map[string]any{}
		err := s.db.ask(ctx, "best_sellers", frontText, nil, func(rows *sql.Rows) error {
			var id, price, sold int
			var name string
			err := rows.Scan(&id, &name, &price, &sold)
			list = append(list, map[string]any{"id": id, "name": name, "price": price, "sold": sold})
			return err
		})
		return list, err
	})
}

// product shows one product, cached.
func (s *server) product(ctx context.Context, r *http.Request) (any, error) {
	k := keep{cache: "product", ttl: 5 * time.Minute}
	return s.cache.get(ctx, r.PathValue("id"), k, func(ctx context.Context) (any, error) {
		var found any
		err := s.db.ask(ctx, "product_by_id", `SELECT id, name, price FROM products WHERE id = ?`, []any{r.PathValue("id")}, func(rows *sql.Rows) error {
			var id, price int
			var name string
			err := rows.Scan(&id, &name, &price)
			found = map[string]any{"id": id, "name": name, "price": price}
			return err
		})
		if err == nil && found == nil {
			return nil, errNotFound
		}
		return found, err
	})
}

// orders lists what a customer ordered, with the lines of each order.
func (s *server) orders(ctx context.Context, r *http.Request) (any, error) {
	conn, err := s.db.take(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	list := []map[string]any{}
	err = s.db.query(ctx, conn, "orders_by_customer", `SELECT id, total FROM orders WHERE customer_id = ? ORDER BY at DESC, id DESC LIMIT 20`,
		[]any{r.PathValue("id")}, func(rows *sql.Rows) error {
			var id int64
			var total int
			err := rows.Scan(&id, &total)
			list = append(list, map[string]any{"id": id, "total": total})
			return err
		})
	if err != nil || len(list) == 0 {
		return list, err
	}
	if s.bugs.onePerRow.Load() {
		return list, s.linesOneByOne(ctx, conn, list)
	}
	return list, s.linesAtOnce(ctx, conn, list)
}

// linesAtOnce reads the lines of all orders with one statement.
func (s *server) linesAtOnce(ctx context.Context, conn *sql.Conn, list []map[string]any) error {
	first, last := list[len(list)-1]["id"], list[0]["id"]
	ids, err := json.Marshal(idsOf(list))
	if err != nil {
		return err
	}
	return s.db.query(ctx, conn, "lines_of_orders", `SELECT order_id, product_id, quantity FROM order_lines
		WHERE order_id BETWEEN ? AND ? AND order_id IN (SELECT value FROM json_each(?))`,
		[]any{first, last, string(ids)}, discard)
}

// linesOneByOne reads the lines of each order with a statement of its own, as
// an object mapper does when nobody tells it otherwise. It also reads each
// line's product.
func (s *server) linesOneByOne(ctx context.Context, conn *sql.Conn, list []map[string]any) error {
	for _, id := range idsOf(list) {
		var wanted []int
		err := s.db.query(ctx, conn, "lines_of_order", `SELECT product_id FROM order_lines WHERE order_id = ?`, []any{id}, func(rows *sql.Rows) error {
			var product int
			err := rows.Scan(&product)
			wanted = append(wanted, product)
			return err
		})
		if err != nil {
			return err
		}
		for _, product := range wanted {
			if err := s.db.query(ctx, conn, "product_of_line", `SELECT name FROM products WHERE id = ?`, []any{product}, discard); err != nil {
				return err
			}
		}
	}
	return nil
}

func idsOf(list []map[string]any) []any {
	ids := make([]any, len(list))
	for i, o := range list {
		ids[i] = o["id"]
	}
	return ids
}

func discard(*sql.Rows) error { return nil }

// order shows one order.
func (s *server) order(ctx context.Context, r *http.Request) (any, error) {
	var found any
	err := s.db.ask(ctx, "order_by_id", `SELECT id, customer_id, total FROM orders WHERE id = ?`, []any{r.PathValue("id")}, func(rows *sql.Rows) error {
		var id, customer, total int64
		err := rows.Scan(&id, &customer, &total)
		found = map[string]any{"id": id, "customer": customer, "total": total}
		return err
	})
	if err == nil && found == nil {
		return nil, errNotFound
	}
	return found, err
}
