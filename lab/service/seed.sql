INSERT INTO customers (name, password) SELECT 'customer' || g, encode(sha256(('secret' || g)::bytea), 'hex') FROM generate_series(1, 300) g;
INSERT INTO items (name, category, price) SELECT 'item ' || g, g % 40, 100 + g % 900 FROM generate_series(1, 20000) g;
INSERT INTO orders (customer_id, state) SELECT 1 + g % 300, 'paid' FROM generate_series(1, 60000) g;
INSERT INTO order_lines (order_id, item_id, amount) SELECT 1 + g % 60000, 1 + (g * 7919) % 20000, 1 FROM generate_series(1, 120000) g;
ANALYZE;
