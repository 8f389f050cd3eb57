package store

import "context"

// Setting asks one of the store's own connections, which tests cannot reach
// otherwise, for a text.
func (s *Store) Setting(ctx context.Context, query string) (text string, err error) {
	err = s.write.QueryRowContext(ctx, query).Scan(&text)
	return text, err
}
