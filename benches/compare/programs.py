"""The programs that are compared: how each is called, made ready, and held against the truth."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field

from . import floor
from .layout import DAY
from .settings import ROOT, read


@dataclass
class Program:
    """`before` and `after` are commands that are not measured; a floor has neither."""

    name: str
    command: list
    before: list = None
    after: list = None
    env: dict = field(default_factory=dict)
    is_floor: bool = False


def module(python, name, *arguments):
    return [python, "-m", f"compare.{name}", *map(str, arguments)]


def prepared(settings, keys, form, out):
    """All programs for one day in one format; each leaves what it says below `out`."""
    folder, big = settings.folder(keys), settings.is_big(keys)
    python = settings.python
    found = [
        Program(f"floor: {name}", module(python, "floor", folder, form, *more), is_floor=True)
        for name, more in floor.ways(form, python)
    ]
    for name in settings.programs:
        if name == "tieout":
            found.append(_tieout(settings, folder, form, out, settings.memory if big else None))
            continue
        asked = settings.datacompy_python if name == "datacompy" else python
        for label, more in _variants(name, settings, big):
            place = out / label.replace(" ", "-")
            found.append(Program(
                label, module(asked, f"peers.{name}", folder, form, place, *more),
                before=[sys.executable, "-c", "import shutil,sys; shutil.rmtree(sys.argv[1], True)", str(place)],
                after=module(python, "check", folder, place),
            ))
    return found


def _variants(name, settings, big):
    """A day that does not fit is tried with a peer's own means of bounding its memory, where it has one."""
    if not big:
        return [(name, [])]
    if name == "duckdb":
        return [(f"duckdb {settings.memory}", [settings.memory]), ("duckdb", [])]
    return [(name, ["streaming"] if name == "polars" else [])]


def _tieout(settings, folder, form, out, memory):
    world, place = out / "world", out / "tieout"
    command = [str(settings.tieout), "--project", str(world), "run", f"bench-{form}", "--period", DAY, "--quiet"]
    if memory and takes_memory(settings.tieout):
        command += ["--memory", memory]
    return Program(
        "tieout", command, before=module(settings.python, "world", folder, form, world),
        after=module(settings.python, "check", folder, place, world, form),
    )


def takes_memory(tieout):
    said = subprocess.run([tieout, "run", "--help"], capture_output=True, text=True, check=True).stdout
    return "--memory" in said


def environment():
    """For every program: this package is found, and two threads are used by whoever asks."""
    return {"PYTHONPATH": str(ROOT / "benches"), "THREADS": "2", "PYTHONDONTWRITEBYTECODE": "1"}


def unmeasured(command):
    """Runs a command beside the measuring; gives its exit code and what it said."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **environment()},
    )
    return done.returncode, done.stdout.strip()


PACKAGES = ("numpy", "pyarrow", "polars", "duckdb", "datacompy", "pandas")


def missing(settings, wanted):
    """What of `wanted` is needed and not there, in words."""
    found = []
    for name in wanted:
        if name == "tieout":
            if name in settings.programs and not settings.tieout.exists():
                found.append(f"there is no program {settings.tieout}; TIEOUT names it")
        # The generator needs the first three, whatever is compared.
        elif name in PACKAGES[:3] or name in settings.programs:
            python = settings.datacompy_python if name == "datacompy" else settings.python
            if not shutil.which(python):
                found.append(f"there is no interpreter {python}; PYTHON and PYTHON_DATACOMPY name them")
            elif subprocess.run([python, "-c", f"import {name}"], capture_output=True).returncode:
                found.append(f"{python} has no {name}; see docs/speed.md")
    return list(dict.fromkeys(found))


def versions(settings):
    """What ran, as it names itself."""
    code = "import importlib.metadata as m, sys; print(sys.argv[1], m.version(sys.argv[1]))"
    said = []
    if "tieout" in settings.programs:
        said.append(subprocess.run([settings.tieout, "--version"], capture_output=True, text=True).stdout.strip())
    for name in settings.programs:
        if name != "tieout":
            python = settings.datacompy_python if name == "datacompy" else settings.python
            said.append(subprocess.run([python, "-c", code, name], capture_output=True, text=True).stdout.strip())
            if name == "datacompy":
                of = subprocess.run([python, "-c", code, "polars"], capture_output=True, text=True).stdout.strip()
                said[-1] += f" (with {of})"
    return said


if __name__ == "__main__":
    sys.exit("\n".join(missing(read(), PACKAGES)) or 0)
