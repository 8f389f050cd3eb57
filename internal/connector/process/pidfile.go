package process

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/pid"
)

// pidfile finds the main process of a service by the file that its number
// stands in.
type pidfile struct{ config }

// serviceName is what the one instance is called.
func (p pidfile) serviceName() string {
	if p.Name != "" {
		return p.Name
	}
	base := filepath.Base(p.Pidfile)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

// look implements manager.
func (p pidfile) look(ctx context.Context) ([]instance, error) {
	i := instance{name: p.serviceName(), restarts: -1}
	main, why, err := p.main()
	if err != nil {
		return nil, err
	}
	if why != "" {
		i.state = why
		return []instance{i}, nil
	}
	tree, err := pid.All(ctx)
	if err != nil {
		return nil, err
	}
	i.state, i.run, i.main, i.started, i.proc = "running", main.ID.String(), main.PID, main.Started(), &main.ID
	if main.Halted() {
		i.state = "halted by a signal or a debugger"
	}
	return []instance{i.withChildren(tree)}, nil
}

// main finds the main process; why says that none runs.
func (p pidfile) main() (main pid.Process, why string, err error) {
	main, why, err = pid.File{Path: p.Pidfile, Match: p.match}.Process()
	var doubt *pid.Doubt
	if errors.As(err, &doubt) {
		err = action.Refuse(doubt.Hint, "%s", doubt.Text)
	}
	return main, why, err
}
