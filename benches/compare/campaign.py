"""Runs every program on every day and format, in turns, and keeps each measure as soon as it is there."""

import json
import os
import shutil
import sys

from .measure import run
from .programs import environment, module, prepared, unmeasured
from .settings import BYTES_A_KEY


def campaign(settings, sizes):
    """Gives each day when it is done: keys, form, and the measures as dicts (program, is_floor, round, rows, bytes,
    wall_s, cpu_s, peak_kib, ended)."""
    settings.work.mkdir(parents=True, exist_ok=True)
    for keys in sizes:
        for form in settings.formats_of(keys):
            yield keys, form, list(one_day(settings, keys, form))
        if settings.is_big(keys) and not settings.keep:
            shutil.rmtree(settings.folder(keys), ignore_errors=True)


def one_day(settings, keys, form):
    folder = settings.folder(keys)
    _room(settings, keys, form)
    _generate(settings, keys, form, folder)
    truth = json.loads((folder / "truth.json").read_text())
    rows = sum(sum(of.values()) for of in truth["rows"].values())
    size = sum(file.stat().st_size for file in folder.glob("*-2*") if file.name.endswith(_ending(form)))
    out = settings.work / f"out-{keys}-{form}"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    programs = prepared(settings, keys, form, out)
    # A big day is run once: it takes long, and what is measured is whether it ends.
    rounds = 1 if settings.is_big(keys) else settings.rounds
    for number in range(rounds):
        if not programs:
            break
        # Whoever begins changes from round to round.
        turn = programs[number % len(programs):] + programs[:number % len(programs)]
        for program in turn:
            measured = _once(settings, folder, form, out, program)
            yield {"program": program.name, "is_floor": program.is_floor, "round": number, "rows": rows, "bytes": size,
                   **measured.as_dict()}
            if measured.ended != "ok":
                programs = [other for other in programs if other is not program]
    shutil.rmtree(out, ignore_errors=True)


def _ending(form):
    return {"csv": ".csv", "jsonl": ".jsonl.gz", "parquet": ".parquet"}[form]


def _once(settings, folder, form, out, program):
    place = out / program.name.replace(" ", "-")
    if program.before:
        code, said = unmeasured(program.before)
        if code:
            raise SystemExit(f"{program.name}: made ready: {said}")
    place.mkdir(exist_ok=True)
    said = place / ("said.json" if program.name != "tieout" else "said.txt")
    _warm(folder, form)
    measured = run(program.command, out=said, limit_s=settings.limit_s, limit_kib=settings.limit_kib,
                   env=environment())
    print(f"  {program.name:18} {measured.wall_s:8.2f} s wall {measured.cpu_s:8.2f} s cpu "
          f"{measured.peak_kib / 1024:8.0f} MiB  {measured.ended}", flush=True)
    if measured.ended != "ok":
        errors = (place / f"{said.name}.err").read_text(errors="replace").strip().splitlines()
        for line in errors[-3:]:
            print(f"    {line}", flush=True)
    elif program.after:
        code, differs = unmeasured(program.after)
        if code:
            raise SystemExit(f"{program.name}, {form}: does not say what is true:\n{differs}")
    return measured


def _warm(folder, form):
    """Every program finds the files in the page cache, as far as they fit."""
    for file in folder.glob(f"*{_ending(form)}"):
        if file.name.startswith("truth"):
            continue
        with open(file, "rb", buffering=0) as source:
            block = bytearray(1 << 20)
            while source.readinto(block):
                pass


def _generate(settings, keys, form, folder):
    code, said = unmeasured(
        module(settings.python, "generate", keys, folder, "--formats", form, "--seed", settings.seed)
    )
    if code:
        raise SystemExit(f"the generator failed: {said}")
    print(f"{keys} keys a side, {form}: {said}", flush=True)


def _room(settings, keys, form):
    """The day, and a copy of it which tieout keeps under its digest."""
    needed = 2.2 * keys * BYTES_A_KEY[form]
    there = os.statvfs(settings.work)
    free = there.f_bavail * there.f_frsize
    if needed > free:
        sys.exit(
            f"{keys} keys as {form} need about {needed / 1e9:.0f} GB in {settings.work}; {free / 1e9:.0f} GB are free"
        )
