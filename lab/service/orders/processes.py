"""What the workers of this instance use: the library tells it of one process only, and not of several."""

import os

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

from . import settings

PAGE, TICK = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")


def _read(pid, name):
    with open(f"/proc/{pid}/{name}", encoding="utf-8") as file:
        return file.read()


def workers():
    """Ourselves and our siblings: the children of the master."""
    master = os.getppid()
    try:
        return [int(pid) for pid in _read(master, f"task/{master}/children").split()] or [os.getpid()]
    except OSError:
        return [os.getpid()]


class Workers:
    """The usual process metrics, one series a worker; the CPU is added up."""

    def collect(self):
        memory = GaugeMetricFamily("process_resident_memory_bytes", "resident memory of a worker", labels=["service", "worker"])
        started = GaugeMetricFamily("process_start_time_seconds", "when a worker started", labels=["service", "worker"])
        files = GaugeMetricFamily("process_open_fds", "open files of a worker", labels=["service", "worker"])
        allowed = GaugeMetricFamily("process_max_fds", "files that a worker may open", labels=["service", "worker"])
        cpu = CounterMetricFamily("process_cpu_seconds_total", "processor time of a worker", labels=["service", "worker"])
        boot = next(int(line.split()[1]) for line in _read(".", "stat").splitlines() if line.startswith("btime"))
        for place, pid in enumerate(sorted(workers())):
            labels = [settings.SERVICE, str(place)]
            try:
                stat = _read(pid, "stat").rpartition(") ")[2].split()
                limit = next(line.split()[3] for line in _read(pid, "limits").splitlines() if line.startswith("Max open files"))
                memory.add_metric(labels, int(stat[21]) * PAGE)
                started.add_metric(labels, boot + int(stat[19]) / TICK)
                cpu.add_metric(labels, (int(stat[11]) + int(stat[12])) / TICK)
                files.add_metric(labels, len(os.listdir(f"/proc/{pid}/fd")))
                allowed.add_metric(labels, float(limit))
            except (OSError, StopIteration, ValueError):
                continue  # it has just ended
        yield from (memory, started, files, allowed, cpu)
