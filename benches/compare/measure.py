"""One program run once: wall time, processor time and peak memory, from what the kernel counts for it.

This module stays small and imports nothing large: the peak of a child begins with that of the process that made it.
"""

import os
import signal
import subprocess
import threading
import time
from dataclasses import asdict, dataclass

POLL_S = 0.05


@dataclass
class Measured:
    """`ended`: `ok`, or in words why not. Of several processes `peak_kib` is the largest one's."""

    wall_s: float
    cpu_s: float
    peak_kib: int
    ended: str

    def as_dict(self):
        return asdict(self)


def run(command, out=None, limit_s=3600, limit_kib=None, processors=2, env=None):
    """Runs a command in a group of its own, on `processors` processors; stdout goes to the file `out`.

    Beyond `limit_s` or `limit_kib` of resident memory the whole group is killed: it would take the machine down.
    """
    allowed = sorted(os.sched_getaffinity(0))[:processors]
    target = open(out, "wb") if out else subprocess.DEVNULL
    errors = open(f"{out}.err" if out else os.devnull, "wb")
    begun = time.monotonic()
    child = subprocess.Popen(
        command, stdout=target, stderr=errors, start_new_session=True, env={**os.environ, **(env or {})},
        preexec_fn=lambda: os.sched_setaffinity(0, allowed),
    )
    gone, why = threading.Event(), []
    watch = threading.Thread(target=_watch, args=(child.pid, gone, why, limit_s, limit_kib), daemon=True)
    watch.start()
    try:
        _, status, usage = os.wait4(child.pid, 0)
    except BaseException:
        # Whoever stops the campaign stops what it has started.
        os.killpg(child.pid, signal.SIGKILL)
        raise
    wall_s = time.monotonic() - begun
    gone.set()
    watch.join()
    child.returncode = os.waitstatus_to_exitcode(status)
    for file in (target, errors):
        if hasattr(file, "close"):
            file.close()
    ended = why[0] if why else "ok" if child.returncode == 0 else _words(child.returncode)
    return Measured(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, ended)


def _watch(pid, gone, why, limit_s, limit_kib):
    begun = time.monotonic()
    while not gone.wait(POLL_S):
        if time.monotonic() - begun > limit_s:
            why.append(f"stopped after {limit_s:g} s")
        elif limit_kib and _resident_kib(pid) > limit_kib:
            why.append(f"stopped beyond {limit_kib / 2**20:.1f} GiB")
        if why:
            try:
                os.killpg(pid, signal.SIGKILL)
            except ProcessLookupError:
                why.clear()
            return


def _resident_kib(pid):
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    except (OSError, IndexError):
        return 0


def _words(code):
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
