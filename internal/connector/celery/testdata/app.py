"""The Celery application of the tests."""
import json
import os
import sys
import time

from celery import Celery

app = Celery("app", broker=os.environ["CELERY_BROKER_URL"])
app.conf.result_backend = os.environ.get("QUELL_TEST_RESULTS")
app.conf.beat_schedule_filename = os.path.join(os.environ["QUELL_TEST_DIR"], "schedule")
app.conf.task_acks_late = True
app.conf.worker_prefetch_multiplier = 1


def write(name, text):
    with open(os.path.join(os.environ["QUELL_TEST_DIR"], name), "a") as f:
        f.write("%s\n" % text)


@app.task
def work(n):
    write("done", n)


@app.task
def absent(n):
    raise LookupError("order %d does not exist, token=geheim-geheim" % n)


@app.task(time_limit=1)
def limited(seconds):
    time.sleep(seconds)


@app.task
def slow(seconds):
    write("begun", seconds)
    time.sleep(seconds)
    write("done", "slow")


if __name__ == "__main__":
    queue, task, priority = sys.argv[1:4]
    sent = [app.send_task("app." + task, (json.loads(a),), queue=queue, priority=int(priority)) for a in sys.argv[4:]]
    print(json.dumps([s.id for s in sent]))
