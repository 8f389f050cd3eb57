package redisact

import (
	"encoding/json"

	"github.com/quellhq/quell/internal/action"
)

// Guard writes what must still be so as text that is compared byte for byte,
// and from which an undo can be made after a crash. v is a value that JSON
// holds.
func Guard(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// ReadGuard reads the guard of an approved item.
func ReadGuard[G any](i action.Item) (G, error) {
	var g G
	if err := json.Unmarshal([]byte(i.Guard), &g); err != nil {
		return g, action.Refuse("plan it again", "the guard of %s cannot be read", i.ID)
	}
	return g, nil
}

// ReadGuards reads the guards of items, in their order.
func ReadGuards[G any](items []action.Item) ([]G, error) {
	out := make([]G, len(items))
	for i, item := range items {
		g, err := ReadGuard[G](item)
		if err != nil {
			return nil, err
		}
		out[i] = g
	}
	return out, nil
}

// stillSo returns the approved items that are as they were approved. Where a
// preview may not shrink, any other world is an error; so is one in which
// nothing is left. What the world has gained since is not touched.
func stillSo(approved, now action.Preview) ([]action.Item, error) {
	guards := map[string]string{}
	for _, i := range now.Items {
		guards[i.ID] = i.Guard
	}
	var items []action.Item
	var moved []string
	for _, i := range approved.Items {
		if guards[i.ID] == i.Guard {
			items = append(items, i)
		} else {
			moved = append(moved, i.ID)
		}
	}
	if len(items) == 0 || len(moved) > 0 && !approved.MayShrink {
		return nil, action.Not("%s: not as it was when this was approved: plan it again", Few(moved, 3))
	}
	return items, nil
}
