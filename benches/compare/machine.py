"""The machine in one line."""

import datetime
import os
import platform


def words():
    cpu = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "?")
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    used = len(os.sched_getaffinity(0))
    return f"{cpu}, {used} processors (2 used), {gib:.0f} GiB, Linux {platform.release()}"


def today():
    return datetime.datetime.now(datetime.timezone.utc).date().isoformat()


def load():
    """Processes that ran or waited in the last minute: more than a few, and the figures are not worth much."""
    return os.getloadavg()[0]


def _lines(path):
    try:
        with open(path) as file:
            return file.readlines()
    except OSError:
        return []
