package pid

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
)

// Tree is the process table at one moment.
type Tree struct {
	all      map[int]Process
	children map[int][]int
}

// All reads the process table. Those that end while it is read are left out.
func All(ctx context.Context) (Tree, error) {
	dir, err := os.ReadDir(root)
	if err != nil {
		return Tree{}, fmt.Errorf("read the process table: %w", err)
	}
	t := Tree{all: map[int]Process{}, children: map[int][]int{}}
	for _, d := range dir {
		if err := ctx.Err(); err != nil {
			return Tree{}, err
		}
		if n, err := strconv.Atoi(d.Name()); err == nil {
			if p, err := Read(n); err == nil {
				t.all[n] = p
				t.children[p.Parent] = append(t.children[p.Parent], n)
			}
		}
	}
	return t, nil
}

// Of returns a process that lives.
func (t Tree) Of(pid int) (Process, bool) {
	p, ok := t.all[pid]
	return p, ok && !p.Dead()
}

// Processes lists all, the dead among them, in order of number.
func (t Tree) Processes() []Process {
	out := make([]Process, 0, len(t.all))
	for _, p := range t.all {
		out = append(out, p)
	}
	sortByNumber(out)
	return out
}

// Children lists the children of a process that live, in order of number.
func (t Tree) Children(pid int) []Process {
	var out []Process
	for _, c := range t.children[pid] {
		if p, ok := t.Of(c); ok {
			out = append(out, p)
		}
	}
	sortByNumber(out)
	return out
}

// Family is a process and all that descend from it and live, itself first.
func (t Tree) Family(pid int) []Process {
	p, ok := t.Of(pid)
	if !ok {
		return nil
	}
	out, seen := []Process{p}, map[int]bool{pid: true}
	for i := 0; i < len(out); i++ {
		for _, c := range t.Children(out[i].PID) {
			if !seen[c.PID] {
				seen[c.PID] = true
				out = append(out, c)
			}
		}
	}
	return out
}

// Ancestors lists those above a process, nearest first, process 1 included.
func (t Tree) Ancestors(pid int) []Process {
	var out []Process
	seen := map[int]bool{pid: true}
	for p, ok := t.all[pid]; ok; {
		if p, ok = t.all[p.Parent]; !ok || seen[p.PID] {
			break
		}
		seen[p.PID] = true
		out = append(out, p)
	}
	return out
}

func sortByNumber(list []Process) {
	slices.SortFunc(list, func(a, b Process) int { return a.PID - b.PID })
}
