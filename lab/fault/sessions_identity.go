package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// identity is a service that knows who may log in. Below its directory "ill"
// lets it answer everything with an error.
const identity = `import http.server, json, os, sys

class Desk(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        who = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = 200 if who["password"] == who["name"].replace("customer", "secret") else 401
        if os.path.exists("ill"):
            status = 503
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Desk).serve_forever()
`

// askIdentity lets logins be checked there. What is said when it does not
// answer differs from service to service.
func askIdentity(said string) []stack.Edit {
	return []stack.Edit{
		{File: "orders/identity.py", New: "\"\"\"Logins are checked by the identity service of the house.\"\"\"\n\nimport json\nimport urllib.request\n\nfrom . import settings\n\n\n" +
			"def check(name, password):\n" +
			"    asked = urllib.request.Request(settings.text(\"IDENTITY_URL\") + \"/check\", json.dumps({\"name\": name, \"password\": password}).encode(), {\"Content-Type\": \"application/json\"})\n" +
			"    with urllib.request.urlopen(asked, timeout=2):\n        pass\n"},
		{File: "orders/people.py", Old: "import hashlib\n", New: "import asyncio\nimport hashlib\n"},
		{File: "orders/people.py", Old: "import time\n", New: "import time\nimport urllib.error\n"},
		{File: "orders/people.py", Old: "from . import database, journal,", New: "from . import database, identity, journal,"},
		{File: "orders/people.py", Old: "    if row is None or row.password != digest(who.password):\n        raise failed(request, who.name, \"invalid credentials\")\n", New: "" +
			"    try:\n        await asyncio.get_running_loop().run_in_executor(None, identity.check, who.name, who.password)\n" +
			"    except urllib.error.HTTPError as wrong:\n        if wrong.code == 401:\n            raise failed(request, who.name, \"invalid credentials\") from wrong\n" +
			said +
			"    except OSError as wrong:\n" + said},
	}
}

// authServiceDown takes the service away that checks logins.
func authServiceDown() Fault {
	return Fault{
		Name: "auth-service-down", Group: "Session/auth", Cause: "C-auth-service-down",
		About:      "logins are checked by a service of their own, which dies, hangs or answers everything with 503",
		Truth:      one("auth/login#what-checks-logins-does-not-answer"),
		LookAlikes: []string{"C-brute-force", "C-bad-credentials", "C-signing-key-changed", "C-bad-deploy"},
		Settle:     30 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			s.Customers.Also(stack.Newcomer(10, 5*time.Second))
			port, err := freePort()
			if err != nil {
				return nil, err
			}
			dir := s.Path("identity")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return nil, fmt.Errorf("start the identity service: %w", err)
			}
			server := exec.CommandContext(ctx, stack.Python, "-c", identity, fmt.Sprint(port))
			server.Dir = dir
			server.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			if err := server.Start(); err != nil {
				return nil, fmt.Errorf("start the identity service: %w", err)
			}
			go func() { _ = server.Wait() }()
			if err := s.Configure(map[string]string{"IDENTITY_URL": fmt.Sprintf("http://127.0.0.1:%d", port)}); err != nil {
				return nil, err
			}
			said := pick(r,
				"        raise failed(request, who.name, f\"identity service unavailable: {wrong}\") from wrong\n",
				"        journal.error(\"login could not be checked\", error_type=type(wrong).__name__, details={\"reason\": str(wrong)})\n        raise HTTPException(503, \"try again later\") from wrong\n",
				"        raise\n")
			if _, err := shipped(ctx, s, "Logins are checked by the house", askIdentity(said)...); err != nil {
				return nil, err
			}
			if err := meanwhile(ctx, 45*time.Second); err != nil { // all is well for a while
				return nil, err
			}
			switch r.IntN(3) {
			case 0:
				return nil, server.Process.Kill()
			case 1:
				err := server.Process.Signal(syscall.SIGSTOP)
				return func(context.Context) error { return server.Process.Signal(syscall.SIGCONT) }, err
			default:
				ill := s.Path("identity", "ill")
				err := os.WriteFile(ill, nil, 0o644)
				return func(context.Context) error { return os.Remove(ill) }, err
			}
		},
	}
}
