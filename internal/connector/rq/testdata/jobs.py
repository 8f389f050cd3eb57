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


def enqueue(url, queue, function, *args):
    import redis
    import rq
    q = rq.Queue(queue, connection=redis.Redis.from_url(url))
    print(json.dumps([q.enqueue("jobs." + function, json.loads(a)).id for a in args]))


if __name__ == "__main__":
    enqueue(*sys.argv[1:])
