package config

import (
	"path/filepath"
	"strings"

	"github.com/quellhq/quell/internal/secret"
)

// store reads where incidents are kept: a file, or the address of a Postgres
// database, of which one may be written by reference.
func (r *reader) store(section pair) {
	pairs, ok := r.pairs(section.value, "store")
	if !ok {
		return
	}
	for _, p := range pairs {
		text, isText := r.text(p)
		switch {
		case p.name != "path" && p.name != "postgres":
			r.unknown(p, "store", []string{"path", "postgres"})
		case !isText:
		case p.name == "path":
			if !filepath.IsAbs(text) {
				text = filepath.Join(r.config.Dir, text)
			}
			r.config.Store.Path = text
		default:
			r.storeAddress(p, text)
		}
	}
	if r.config.Store.Path != "" && !r.config.Store.DSN.Empty() {
		r.wrong(section.key, "the store has a path and a postgres address: keep one of them")
	}
}

func (r *reader) storeAddress(p pair, text string) {
	address, err := r.refs.resolve(text, true)
	switch {
	case err != nil:
		r.wrong(p.value, "postgres: %s: incidents cannot be kept without it", err)
	case !strings.HasPrefix(address, "postgres://") && !strings.HasPrefix(address, "postgresql://") && !strings.Contains(address, "="):
		r.wrong(p.value, "postgres is an address like postgres://quell@db.example/quell, or a reference to one: env:QUELL_STORE")
	default:
		r.config.Store.DSN = secret.New(address)
	}
}
