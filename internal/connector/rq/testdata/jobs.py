"""What the jobs of the tests do, and a way to enqueue them."""
import json
import os
import sys
import time


def work(n):
    """Fails as long as the file broken is there."""
    if os.path.exists(os.environ["QUELL_TEST_DIR"] + "/broken"):
        raise ValueError("the database is away, token=geheim-geheim")
    with open(os.environ["QUELL_TEST_DIR"] + "/done", "a") as f:
        f.write("%s\n" % n)


def slow(seconds):
    with open(os.environ["QUELL_TEST_DIR"] + "/begun", "a") as f:
        f.write("slow\n")
    time.sleep(seconds)


def absent(n):
    raise LookupError("order %d does not exist" % n)


def result(n):
    return "x" * n


def enqueue_for_ever(url, queue, function, *args):
    import redis
    import rq
    q = rq.Queue(queue, connection=redis.Redis.from_url(url))
    print(json.dumps([q.enqueue("jobs." + function, json.loads(a), result_ttl=-1).id for a in args]))


def enqueue_limited(url, queue, function, *args):
    import redis
    import rq
    q = rq.Queue(queue, connection=redis.Redis.from_url(url))
    print(json.dumps([q.enqueue("jobs." + function, json.loads(a), job_timeout=1).id for a in args]))


def enqueue_later(url, queue, function, *args):
    import datetime
    import redis
    import rq
    q = rq.Queue(queue, connection=redis.Redis.from_url(url))
    at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=300)
    print(json.dumps([q.enqueue_at(at, "jobs." + function, json.loads(a)).id for a in args]))


def enqueue_behind(url, queue, function, *args):
    import redis
    import rq
    q = rq.Queue(queue, connection=redis.Redis.from_url(url))
    first = q.enqueue("jobs.absent", 1)
    print(json.dumps([q.enqueue("jobs." + function, json.loads(a), depends_on=first).id for a in args]))


def enqueue(url, queue, function, *args):
    import redis
    import rq
    q = rq.Queue(queue, connection=redis.Redis.from_url(url))
    print(json.dumps([q.enqueue("jobs." + function, json.loads(a)).id for a in args]))


if __name__ == "__main__":
    how = globals()["enqueue" + os.environ.get("QUELL_TEST_HOW", "")]
    how(*sys.argv[1:])
