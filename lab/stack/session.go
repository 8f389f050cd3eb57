package stack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// Session opens a session of the database in a console of its own, as somebody
// at a prompt would, says text and leaves it open until ctx ends. As the
// superuser where who is empty, otherwise as that role, which has the stack's
// password. It returns when the session is there, not when text is done.
func (s *Stack) Session(ctx context.Context, who, application, text string) error {
	argv := []string{"-X", "-q", "-p", strconv.Itoa(s.Port.Postgres), "-d", "orders"}
	env := append(environment(s.Dir), "PGAPPNAME="+application, "PGPASSWORD="+databasePassword)
	if who == "" {
		argv = append(argv, "-h", s.path("postgres"), "-U", "postgres")
	} else {
		argv = append(argv, "-h", "127.0.0.1", "-U", who)
	}
	cmd := exec.CommandContext(ctx, "psql", argv...)
	cmd.Env, cmd.Dir = env, s.Dir
	in, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("open a session: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("open a session: %w", err)
	}
	go func() {
		<-ctx.Done()
		in.Close()
		_ = cmd.Wait() // it is killed with ctx: how it ends says nothing
	}()
	if _, err := fmt.Fprintln(in, text); err != nil {
		return fmt.Errorf("open a session: %w", err)
	}
	time.Sleep(50 * time.Millisecond)
	return nil
}

// Bench runs a script of pgbench in so many sessions until ctx ends: a program
// that loads the database beside the service.
func (s *Stack) Bench(ctx context.Context, who, application, script string, sessions int) error {
	bin, err := postgresBin()
	if err != nil {
		return err
	}
	file := s.path("etc", application+".sql")
	if err := os.WriteFile(file, []byte(script), 0o644); err != nil {
		return fmt.Errorf("load the database: %w", err)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "pgbench"), "-n", "-f", file, "-c", strconv.Itoa(sessions), "-j", "1", "-T", "3600",
		"-h", "127.0.0.1", "-p", strconv.Itoa(s.Port.Postgres), "-U", who, "orders")
	cmd.Env, cmd.Dir = append(environment(s.Dir), "PGAPPNAME="+application, "PGPASSWORD="+databasePassword), s.Dir
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("load the database: %w", err)
	}
	go func() { _ = cmd.Wait() }() // it is killed with ctx
	return nil
}
