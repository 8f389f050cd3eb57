package git

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/quellhq/quell/internal/child"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
)

// harmless keeps git from running anything and from going anywhere: a
// repository's own configuration names programs (pagers, filters, monitors,
// verifiers of signatures, transports), and the repository is not ours.
var harmless = []string{
	"--no-pager", "--no-optional-locks", "--literal-pathspecs",
	"-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.pager=cat", "-c", "core.sshCommand=false",
	"-c", "core.askPass=", "-c", "credential.helper=", "-c", "protocol.allow=never", "-c", "log.showSignature=false",
	"-c", "log.mailmap=false", "-c", "diff.external=", "-c", "core.quotePath=false", "-c", "submodule.recurse=false",
	"-c", "core.attributesFile=/dev/null", "-c", "core.excludesFile=/dev/null",
}

// lonely is what git sees of the environment beside PATH: no configuration of
// this user or machine, no questions, no fetch of what is missing.
var lonely = map[string]string{
	"LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.DevNull, "GIT_TERMINAL_PROMPT": "0",
	"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1",
}

// mostOutput bounds what is read of one call, in bytes.
const mostOutput = 1 << 20

// errNoRepository says that there is no repository at dir.
var errNoRepository = errors.New("not a git repository")

// errNoGit says that there is no program to ask.
var errNoGit = errors.New("there is no git program")

// errRefused is what git itself says.
type errRefused struct{ text string }

func (e *errRefused) Error() string { return e.text }

// git runs one call that only reads, in the checkout.
func (t *target) git(ctx context.Context, args ...string) (string, error) {
	leave, err := t.tools.Gate.EnterBulk(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	ctx, cancel := connector.Within(ctx, t.tools.Gate.Limits().Timeout)
	defer cancel()
	dir, err := filepath.EvalSymlinks(t.config.Dir)
	if err != nil {
		return "", err
	}
	argv := append([]string{t.config.Binary, "-C", dir, "-c", "safe.directory=" + dir}, harmless...)
	r, err := child.Run(ctx, child.Command{Argv: append(argv, args...), Env: child.Environment(lonely), Most: mostOutput})
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, child.ErrNotStarted) && errors.Is(err, os.ErrNotExist):
		return "", errNoGit
	case err != nil:
		return "", err
	case strings.Contains(string(r.Stderr), "not a git repository"):
		return "", errNoRepository
	case r.Code != 0:
		line, _, _ := strings.Cut(strings.TrimSpace(string(r.Stderr)), "\n")
		return "", &errRefused{line}
	}
	return string(r.Stdout), nil
}

// answer is an error as an answer.
func (t *target) answer(err error) evidence.Answer {
	what := "look at " + t.config.Dir
	var refused *errRefused
	switch {
	case errors.As(err, &refused) && strings.Contains(refused.text, "dubious ownership"):
		return evidence.Not(evidence.Denied, what+": it belongs to another user, and this git does not read it", "run quell as its owner, or with git 2.38 or later")
	case errors.As(err, &refused):
		return evidence.Not(evidence.Invalid, what+": git says: "+refused.text, "")
	case errors.Is(err, errNoGit):
		return evidence.Not(evidence.NotApplicable, what+": there is no program "+t.config.Binary, "install git, or set binary")
	case errors.Is(err, os.ErrNotExist):
		return evidence.Not(evidence.Unreachable, what+": there is no such directory", "set dir to the directory that the service runs from")
	case errors.Is(err, os.ErrPermission):
		return evidence.Not(evidence.Denied, what+": it may not be read", "run quell as a user who may read it")
	}
	return connector.Failure(what, err)
}
