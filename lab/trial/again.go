package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/quellhq/quell/lab/fault"
	"github.com/quellhq/quell/lab/stack"
)

// keptFile says which trial a directory of kept answers is of.
const keptFile = "result.json"

// keep copies what `quell diagnose --from` needs of a stack that is about to be
// cleared away: the settings, the passwords, the record and the key of masks.
func (t Trial) keep(s *stack.Stack, r Result) error {
	name := fmt.Sprintf("%s-%d", r.Fault, r.Seed)
	if r.Late != "" {
		name += "-" + r.Late
	}
	dir := filepath.Join(t.Keep, name)
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("keep the answers: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, stateDir), 0o700); err != nil {
		return fmt.Errorf("keep the answers: %w", err)
	}
	files := []string{"quell.yaml", ".env", "incidents.db", "incidents.db-wal", filepath.Join(stateDir, "mask.key")}
	for _, file := range files {
		data, err := os.ReadFile(s.Path(file))
		if errors.Is(err, fs.ErrNotExist) && file == "incidents.db-wal" {
			continue
		}
		if err != nil {
			return fmt.Errorf("keep the answers: %w", err)
		}
		if file == "quell.yaml" {
			data = []byte(strings.ReplaceAll(string(data), s.Path("incidents.db"), "incidents.db"))
		}
		if err := os.WriteFile(filepath.Join(dir, file), data, 0o600); err != nil {
			return fmt.Errorf("keep the answers: %w", err)
		}
	}
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("keep the answers: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, keptFile), data, 0o600)
}

// Kept is a trial whose answers are kept in a directory.
type Kept struct {
	Trial   Trial
	Dir     string
	seconds float64 // that its diagnosis took
}

// KeptBelow lists the trials that are kept below a directory, by name. Errors:
// there is none, or one of them cannot be read or is of a fault that is no more.
func KeptBelow(dir string) ([]Kept, error) {
	// What asks runs in the trial's own directory.
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("look for kept trials: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", keptFile))
	if err != nil {
		return nil, fmt.Errorf("look for kept trials: %w", err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there is no kept trial below %s: `go run ./lab score --keep %s` keeps them", dir, dir)
	}
	var all []Kept
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read a kept trial: %w", err)
		}
		var old Result
		if err := json.Unmarshal(data, &old); err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		k := Kept{Dir: filepath.Dir(file), Trial: Trial{Seed: old.Seed}, seconds: old.Seconds}
		if k.Trial.Fault, err = fault.Find(old.Fault); err != nil {
			return nil, fmt.Errorf("read %s: %w; remove the directory where the fault is called otherwise now", file, err)
		}
		if old.Late != "" {
			if k.Trial.Late, err = time.ParseDuration(old.Late); err != nil {
				return nil, fmt.Errorf("read %s: %w", file, err)
			}
		}
		all = append(all, k)
	}
	return all, nil
}

// Again concludes anew from the answers. Nothing is started and nobody is asked:
// what changes is what the playbooks and the engine make of the same answers.
// The seconds stay those of the trial.
func (k Kept) Again(ctx context.Context, binary string) (Result, error) {
	return k.conclude(ctx, binary, filepath.Join(k.Dir, "quell.yaml"))
}

func (k Kept) conclude(ctx context.Context, binary, config string) (Result, error) {
	b := quell{path: binary, dir: k.Dir, state: filepath.Join(k.Dir, stateDir)}
	out, err := b.run(ctx, "diagnose", "--config", config, "--json", "--from", "INC-1")
	if err != nil {
		return Result{}, err
	}
	r, err := k.Trial.read(out, time.Duration(k.seconds*float64(time.Second)))
	r.Again = true
	return r, err
}
