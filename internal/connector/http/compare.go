package http

import (
	"context"
	"net/http"
	"reflect"
	"time"
)

// comparison is a row of the answer, and how long its source took.
type comparison struct {
	row  map[string]any
	took time.Duration
}

// look is one answer of a page, and when it was asked for.
type look struct {
	result
	fields map[string]string
	at     time.Time
}

// Values are overtaken where reading them takes long, so a page may take longer
// here than one that is asked for by the way: as long as a diagnosis has.
const longRead = 3500 * time.Millisecond

func (t *target) see(ctx context.Context, req request) (look, bool) {
	req.more, req.atMost = true, longRead
	at := t.tools.Now()
	r, err := t.do(ctx, req)
	return look{r, flat(r.body), at}, err == nil && r.ok() && !r.cut
}

// seeBoth asks as everyone does, and after that of the source: a source's answer may
// be stored at once, and would overtake what lay in the cache. What takes long as
// everyone asks for it comes from no cache, and its source is not asked.
func (t *target) seeBoth(ctx context.Context, ordinary, fresh request) (kept, source look, keptOK, sourceOK bool) {
	kept, keptOK = t.see(ctx, ordinary)
	if !keptOK || kept.total > slow {
		return kept, source, false, false
	}
	source, sourceOK = t.see(ctx, fresh)
	return kept, source, keptOK, sourceOK
}

// compare asks for a page as everyone does and of its source, and once more
// each way where the two differ: what also differs between two answers of one
// kind, like a counter, is left out.
func (t *target) compare(ctx context.Context, path string, ordinary, fresh request) comparison {
	row := map[string]any{"path": path, "compared": false, "honoured": nil, "differs": nil, "fields": []any{}, "stored_s": nil, "behind_s": nil, "filled_late": nil}
	c := comparison{row: row}
	kept, source, keptOK, sourceOK := t.seeBoth(ctx, ordinary, fresh)
	c.took = source.total
	before := sign(kept.result) == warm // stored before we asked
	if keptOK && sign(kept.result) == cold {
		kept, keptOK = t.see(ctx, ordinary) // what the first has stored
	}
	if keptOK && sign(kept.result) == cold {
		row["compared"], row["differs"] = true, false // the cache has nothing to be old
		return c
	}
	if keptOK && !before {
		// It may have been stored just now: its source has to be asked after that.
		source, sourceOK = t.see(ctx, fresh)
	}
	if !keptOK || !sourceOK {
		return c
	}
	row["compared"], row["differs"] = true, false
	if h, known := asked(kept.result, source.result); known {
		row["honoured"] = h
	}
	stored, hasStored := storedFor(kept.result, kept.fields, kept.at)
	if hasStored {
		row["stored_s"] = stored.Seconds()
	}
	if reflect.DeepEqual(kept.fields, source.fields) {
		return c
	}
	old, hasOld := changed(kept.fields)
	fresher, hasNew := changed(source.fields)
	if hasOld && hasNew && fresher.After(old) {
		row["behind_s"] = fresher.Sub(old).Seconds()
	}
	again, sourceAgain, keptOK, sourceOK := t.seeBoth(ctx, ordinary, fresh)
	proven := hasOld && hasNew && fresher.After(old) && fresher.Before(given(kept))
	if !(keptOK && sourceOK) && !proven {
		row["compared"], row["differs"] = false, nil
		return c
	}
	differ := differing(kept, again, source, sourceAgain, proven)
	row["differs"], row["fields"] = len(differ) > 0, texts(differ[:min(len(differ), 20)])
	// Of a thing that was not changed since, the time of its last change tells nothing.
	if len(differ) > 0 && hasStored && hasNew && (!hasOld || fresher.After(old)) {
		// Age has whole seconds: the true moment lies up to one before this.
		switch at := kept.at.Add(-stored); {
		case at.After(fresher.Add(time.Second)):
			row["filled_late"] = true
		case at.Before(fresher):
			row["filled_late"] = false
		}
	}
	return c
}

// given is the moment of an answer by the clock of who gave it, who also says
// when things were changed. Date has whole seconds, rounded down.
func given(l look) time.Time {
	if at, err := http.ParseTime(l.header.Get("Date")); err == nil {
		return at
	}
	return l.at
}

// differing names the fields in which an answer differs from its source. Where
// the answer is proven to be old - the source says that the thing was changed
// before it was given - a difference counts though the thing was changed again
// meanwhile: of things that change all the time no answer is the same twice.
func differing(kept, again, source, sourceAgain look, proven bool) (differ []string) {
	for _, steady := range []bool{true, false} {
		for _, field := range names(kept.fields, source.fields) {
			stable := kept.fields[field] == again.fields[field] && source.fields[field] == sourceAgain.fields[field]
			if stable == steady && !same(kept.fields[field], source.fields[field]) && !isStorage(field) {
				differ = append(differ, field)
			}
		}
		if len(differ) > 0 || !proven {
			break
		}
	}
	return differ
}
