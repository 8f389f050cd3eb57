package celery

import (
	"cmp"
	"maps"
	"path/filepath"
	"slices"

	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

func numberField(name, about string) probe.Field {
	return probe.Field{Name: name, Type: "number", About: about}
}

func rowsField(name, about string) probe.Field {
	return probe.Field{Name: name, Type: "rows", About: about}
}

// counted shows counts, the largest first.
func counted(counts map[string]int64, name string, most int) []any {
	rows := []any{}
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		rows = append(rows, map[string]any{name: redisapi.Clip(k), "count": counts[k]})
	}
	slices.SortStableFunc(rows, func(a, b any) int {
		return cmp.Compare(b.(map[string]any)["count"].(int64), a.(map[string]any)["count"].(int64))
	})
	return rows[:min(len(rows), most)]
}

// larger is the larger of two numbers, of which any may be missing.
func larger(a, b any) any {
	x, known := a.(float64)
	if y, ok := b.(float64); ok && (!known || y > x) {
		return y
	}
	return a
}

func smaller(a, b any) any {
	x, known := a.(float64)
	if y, ok := b.(float64); ok && (!known || y < x) {
		return y
	}
	return a
}

func inDir(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
