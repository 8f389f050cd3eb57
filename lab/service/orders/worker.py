"""Runs an RQ worker whose log lines look like the service's."""

import redis
from rq import Connection, Worker

from . import journal, settings


class Told(Worker):
    def handle_exception(self, job, *exc_info):
        journal.error("job failed", exc_info=exc_info, job_id=job.id, details={"job_name": job.func_name})
        return super().handle_exception(job, *exc_info)


if __name__ == "__main__":
    journal.start()
    with Connection(redis.Redis.from_url(settings.JOBS_URL)):
        journal.info("worker started")
        Told(["receipts"]).work(with_scheduler=True, logging_level="WARNING")
