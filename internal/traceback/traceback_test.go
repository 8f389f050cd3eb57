package traceback_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/traceback"
)

func TestAFailureIsReadFromItsText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]traceback.Trace{
		"": {Kind: "silent"},
		"Traceback (most recent call last):\n  File \"/srv/jobs.py\", line 9, in send\n    raise ValueError(x)\nValueError: mail to eve@example.org refused":                                                     {Class: "ValueError", Says: "mail to <*> refused", Kind: "other"},
		"Traceback (most recent call last):\nsqlalchemy.exc.NoResultFound: No row was found when one was required":                                                                                               {Class: "NoResultFound", Says: "No row was found when one was required", Kind: "absent"},
		"Traceback (most recent call last):\nKeyError: 'a'\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\nRuntimeError: order 7 does not exist\n": {Class: "RuntimeError", Says: "order <*> does not exist", Kind: "absent"},
		"rq.timeouts.JobTimeoutException: Task exceeded maximum timeout value (180 seconds)":                                                                                                                     {Class: "JobTimeoutException", Says: "Task exceeded maximum timeout value <*> seconds)", Kind: "timeout"},
		"Work-horse terminated unexpectedly; waitpid returned 9 (signal 9); ":                                                                                                                                    {Says: "Work-horse terminated unexpectedly; waitpid returned <*> (signal <*>", Kind: "killed"},
		"Moved to FailedJobRegistry at 2026-01-01 12:00:00.000000":                                                                                                                                               {Says: "Moved to FailedJobRegistry at <*> <*>", Kind: "abandoned"},
		"redis.exceptions.ConnectionError: Error 111 connecting to 127.0.0.1:6379. Connection refused.":                                                                                                          {Class: "ConnectionError", Says: "Error <*> connecting to <*> Connection refused.", Kind: "unreachable"},
		"StopIteration": {Class: "StopIteration", Kind: "other"},
	} {
		require.Equal(t, want, traceback.Read(text), text)
	}
	require.Equal(t, "schema", traceback.Read("psycopg2.errors.UndefinedTable: relation \"orders\" does not exist\nLINE 1: SELECT").Kind)
	require.Equal(t, "schema", traceback.Of("ProgrammingError", `column o.currency of relation "orders" does not exist`).Kind)
	require.Equal(t, "absent", traceback.Of("ValueError", "the order 7 does not exist").Kind)
	require.Equal(t, "killed", traceback.Of("WorkerLostError", "Worker exited prematurely: signal 9 (SIGKILL) Job: 3.").Kind)
	for text, want := range map[string]string{"": "killed", "; waitpid returned 139 (signal 11); ": "killed", "; waitpid returned 256; ": "other", "; waitpid returned None (signal None)": "killed"} {
		require.Equal(t, want, traceback.Read("Work-horse terminated unexpectedly"+text).Kind, text)
	}
	require.Equal(t, "a <*> <*>", traceback.Mask("a the_password password='x'"))
}

func FuzzRead(f *testing.F) {
	f.Add("A: b\nC: d")
	f.Fuzz(func(t *testing.T, text string) {
		got := traceback.Read(text)
		require.NotEmpty(t, got.Kind)
		require.LessOrEqual(t, len([]rune(got.Says)), 201)
	})
}
