package fault

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/quellhq/quell/lab/stack"
)

// jobsNotEnqueued points the senders of jobs at a server that is not there; they
// log it, and answer well.
func jobsNotEnqueued() Fault {
	return Fault{
		Name: "jobs-not-enqueued", Group: "jobs", Cause: "C-event-loss", Alert: "JobsNotProcessed",
		About:      "the service enqueues into a server that is not there, and answers well all the same",
		Truth:      one("data/events#what-is-sent-does-not-reach-the-queue", "redis/reach#the-address-is-wrong"),
		LookAlikes: []string{"C-job-worker-down", "C-job-scheduler-down", "C-redis-misaddressed"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			old, err := s.Settings()
			if err != nil {
				return nil, err
			}
			change := map[string]string{"JOBS_REDIS_URL": fmt.Sprintf("redis://127.0.0.1:%d/1", between(r, 2, 9))}
			if err := s.Configure(change, s.WebA, s.WebB); err != nil {
				return nil, err
			}
			return func(context.Context) error {
				return s.Configure(map[string]string{"JOBS_REDIS_URL": old["JOBS_REDIS_URL"]}, s.WebA, s.WebB)
			}, nil
		},
	}
}

// tasksThrownAway lets the beat send a task that its worker does not know.
func tasksThrownAway() Fault {
	return Fault{
		Name: "tasks-thrown-away", Group: "jobs", Cause: "C-event-loss", Alert: "JobsNotProcessed",
		About:      "the beat is deployed with a new task, and the worker is not: it throws the task away",
		Truth:      one("jobs/celery#workers-throw-tasks-away-that-they-do-not-know", "data/events#workers-lose-what-they-take"),
		LookAlikes: []string{"C-job-scheduler-down", "C-job-worker-down"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			edits := []stack.Edit{
				{File: "orders/tasks.py", Old: "\"schedule\": 5.0}}", New: fmt.Sprintf("\"schedule\": 5.0}, \"points\": {\"task\": \"orders.tasks.points\", \"schedule\": %d.0}}", between(r, 2, 4))},
				{File: "orders/tasks.py", Old: "@app.task(name=\"orders.tasks.refresh\")", New: "@app.task(name=\"orders.tasks.points\")\ndef points():\n    journal.info(\"task finished\", details={\"job_name\": \"points\"})\n\n\n@app.task(name=\"orders.tasks.refresh\")"},
			}
			if err := s.Release(ctx, "Points for customers", edits, s.Beat); err != nil {
				return nil, err
			}
			return func(context.Context) error { return s.Restart(s.Tasks) }, nil
		},
	}
}
