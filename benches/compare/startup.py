"""How long the whole process takes where there is nearly nothing to do: the median of many."""

import shutil
import statistics

from .layout import DAY
from .measure import run
from .programs import environment, module, unmeasured

TIMES, KEYS = 20, 10_000


def measure(settings):
    """Name → median seconds of wall time."""
    folder, world = settings.folder(KEYS), settings.work / "world-startup"
    python, tieout = settings.python, str(settings.tieout)
    code, said = unmeasured(module(python, "generate", KEYS, folder, "--formats", "csv", "--seed", settings.seed))
    if code:
        raise SystemExit(f"the generator failed: {said}")
    out = settings.work / "out-startup"
    wanted = {
        "python -c pass": [python, "-c", "pass"],
        'python -c "import duckdb"': [python, "-c", "import duckdb"],
        "duckdb, 10,000 keys": module(python, "peers.duckdb", folder, "csv", out),
    }
    if "tieout" in settings.programs:
        job = [tieout, "--project", str(world), "run", "bench-csv", "--period", DAY, "--quiet"]
        wanted |= {"tieout --version": [tieout, "--version"], "tieout, 10,000 keys": job}
    times = {name: [] for name in wanted}
    for _ in range(TIMES):
        for name, command in wanted.items():
            if str(world) in command:
                unmeasured(module(python, "world", folder, "csv", world))
            measured = run(command, limit_s=settings.limit_s, env=environment())
            if measured.ended != "ok":
                raise SystemExit(f"{name}: {measured.ended}")
            times[name].append(measured.wall_s)
    shutil.rmtree(world, ignore_errors=True)
    shutil.rmtree(out, ignore_errors=True)
    return {name: statistics.median(of) for name, of in times.items()}
