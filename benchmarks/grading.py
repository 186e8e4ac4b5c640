"""Grading a class: submissions a minute for plain nbgrader and for the course's grader on several engines.

Run: python -m benchmarks.grading --size 1000 --rounds 3

The class is made for the measurement, over problem set 6: of twenty students ten are right, five wrong, three raise,
one is slow (three seconds) and one ends its kernel. Each engine grades the same sample in turn, in a process of its
own, from the release to feedback and grades; plain nbgrader autogrades and writes feedback. Processor seconds are those
of every process that took part, from the operating system's account of a group, where it has one that may be written.

`--sizes 300 1000` measures classes of these sizes alone, and `--set ps01` the pace of two workers on another set; both
leave what the file has of the rest, and write each number as soon as it is there.

`--kills 50` kills graders instead, runs the same command again, and counts what is lost or doubled. A third dies at a
random moment, a third while it writes a submission, and of a third a worker dies; what each was at is counted too.
"""

import argparse
import json
import logging
import os
import platform
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat

from wgan_course._files import atomic_write

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "book" / "results" / "grading.json"
ENGINES = ("plain nbgrader", "one worker", "two workers", "Dask, two workers")
KINDS = ("right",) * 10 + ("wrong",) * 5 + ("raises",) * 3 + ("slow", "hostile")
SPOILED = {  # a set's cell, how its function begins, and a wrong answer
    "ps06_gradient_penalty": ("two-sided", "def two_sided(norms):", "return (norms.mean() - 1) ** 2"),
    "ps01_js_saturation": ("kl", "def kl(p, q):", "return (q * (q / p).log()).sum()"),
}
NAMES = {name.partition("_")[0]: name for name in SPOILED}
RAISES = 'raise RuntimeError("no idea")'
SLOW, HOSTILE = "\nimport time\ntime.sleep(3)", "import os\nos._exit(0)"
PACKAGES = ("nbgrader", "nbclient", "ipykernel")
ACCOUNTS = Path("/sys/fs/cgroup/cpuacct")
clock = time.monotonic


# --- the class -------------------------------------------------------------------------------------------------------


def make_course(root: Path, name: str) -> Path:
    """Write a course with the one problem set, and release it."""
    from wgan_grader import pipeline

    shutil.copytree(ROOT / "solutions" / name, root / "solutions" / name)
    shutil.copyfile(ROOT / "nbgrader_config.py", root / "nbgrader_config.py")
    pipeline.release(root)
    return root


def set_of(root: Path) -> str:
    """The one problem set of a course."""
    return next((root / "solutions").iterdir()).name


def answered(root: Path, kind: str) -> Any:
    """The released notebook with the solution's answers, changed as the kind says."""
    name = set_of(root)
    spoiled, begins, wrong = SPOILED[name]
    known = nbformat.read(str(root / "solutions" / name / f"{name}.ipynb"), as_version=4).cells
    answers = {cell.metadata.nbgrader.grade_id: cell.source for cell in known if "nbgrader" in cell.metadata}
    notebook = nbformat.read(str(root / "exercises" / name / f"{name}.ipynb"), as_version=4)
    for cell in notebook.cells:
        about = cell.metadata.get("nbgrader", {})
        if about.get("solution"):
            cell.source = answers[about["grade_id"]]
        if about.get("grade_id") == spoiled:
            changed = {"wrong": f"{begins}\n    {wrong}", "raises": f"{begins}\n    {RAISES}"}
            changed |= {"slow": cell.source + SLOW, "hostile": HOSTILE}
            cell.source = changed.get(kind, cell.source)
    return notebook


def hand_in(root: Path, size: int) -> None:
    """Hand in for so many students, in the order of `KINDS`."""
    name, texts = set_of(root), {kind: json.dumps(answered(root, kind)) for kind in set(KINDS)}
    for number in range(size):
        folder = root / "submitted" / f"student-{number:04d}" / name
        folder.mkdir(parents=True)
        (folder / f"{name}.ipynb").write_text(texts[KINDS[number % len(KINDS)]], encoding="utf-8")


# --- engines ---------------------------------------------------------------------------------------------------------


def grade_plainly(root: Path) -> int:
    """Autograde and write feedback with nbgrader's own converters, one student after another; how many have a score."""
    from nbgrader import preprocessors as steps
    from nbgrader.converters import Autograde, GenerateFeedback

    from wgan_grader.course import Course, CourseError

    course, name = Course(root), set_of(root)
    config = course._config()
    config.Autograde.autograde_preprocessors = [
        steps.Execute, steps.LimitOutput, steps.SaveAutoGrades, steps.AssignLatePenalties, steps.CheckCellMetadata,
    ]  # fmt: skip
    done = 0
    for student in course.handed_in(name):
        with suppress(CourseError):
            course._convert(Autograde, name, student, config, create_student=True)
            course._convert(GenerateFeedback, name, student)
            done += 1
    return done


@contextmanager
def dask_address() -> Iterator[str]:
    """A Dask scheduler with two workers, each a process."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        told, quiet = folder / "scheduler.json", {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        shared = ["--no-dashboard", "--scheduler-file", str(told)]
        scheduler = ["distributed.cli.dask_scheduler", "--port", "0", *shared]
        worker = ["distributed.cli.dask_worker", "--nthreads", "1", *shared]
        for words in (scheduler, worker, worker):
            process = subprocess.Popen([sys.executable, "-m", *words], cwd=folder, **quiet)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            while not told.exists():
                time.sleep(0.05)
        yield json.loads(told.read_text())["address"]


def grade(root: Path, engine: str) -> dict[str, Any]:
    """Grade with one engine, in this process; how many have a score, seconds, and this process's most memory."""
    from wgan_grader import pipeline

    with ExitStack() as stack:
        address = stack.enter_context(dask_address()) if engine.startswith("Dask") else ""
        began = clock()
        if engine == ENGINES[0]:
            done, kept = grade_plainly(root), 0
        else:
            summary = pipeline.grade(root, set_of(root), workers=1 if engine == ENGINES[1] else 2, dask=address)
            done, kept = (sum(row.score is not None for row in summary.rows), sum(row.cached for row in summary.rows))
        taken = clock() - began
    lines = Path("/proc/self/status").read_text().splitlines()
    most = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return {"graded": done, "kept": kept, "seconds": taken, "MiB": most / 1024}


# --- measuring -------------------------------------------------------------------------------------------------------


@contextmanager
def group() -> Iterator[Path | None]:
    """A group of processes whose processor time the operating system adds up; None where none may be made."""
    folder = ACCOUNTS / f"grading-{os.getpid()}-{time.monotonic_ns()}"
    try:
        folder.mkdir()
    except OSError:
        yield None
        return
    try:
        yield folder
    finally:
        until = clock() + 20
        while folder.exists() and clock() < until:
            with suppress(OSError):
                folder.rmdir()
            time.sleep(0.05)


def run(root: Path, engine: str) -> dict[str, Any]:
    """Grade with one engine in a process of its own; what it says, and the processor seconds of all that it started."""
    with group() as account, tempfile.NamedTemporaryFile("r") as told:
        words = [sys.executable, "-m", "benchmarks.grading", "--engine", engine, "--course", str(root)]
        words += ["--told", told.name] + (["--group", str(account)] if account else [])
        subprocess.run(words, cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
        found = json.loads(told.read())
        processor = int((account / "cpuacct.usage").read_text()) / 1e9 if account else None
        return found | {"processor": processor}


def copy(course: Path, size: int, folder: Path) -> Path:
    """A fresh copy of the released course, with so many submissions."""
    root = Path(shutil.copytree(course, folder / f"class-{time.monotonic_ns()}"))
    hand_in(root, size)
    return root


def summary(runs: list[dict[str, Any]], size: int) -> dict[str, Any]:
    """Medians over the rounds, by submission."""
    processor = [one["processor"] / size for one in runs if one["processor"] is not None]
    return {
        "a minute": statistics.median(60 * size / one["seconds"] for one in runs),
        "seconds": statistics.median(one["seconds"] for one in runs) / size,
        "processor seconds": statistics.median(processor) if processor else None,
        "MiB": max(one["MiB"] for one in runs),
        "with a score": min(one["graded"] for one in runs),
    }


def compare(course: Path, folder: Path, sample: int, rounds: int, engines: Sequence[str] = ENGINES) -> dict[str, Any]:
    """Each engine on the same sample, in turn."""
    runs: dict[str, list[dict[str, Any]]] = {engine: [] for engine in engines}
    for _ in range(rounds):
        for engine in engines:
            root = copy(course, sample, folder)
            runs[engine].append(run(root, engine))
            shutil.rmtree(root)
            logging.info("%s: %s", engine, runs[engine][-1])
    return {engine: summary(found, sample) for engine, found in runs.items()}


def grow(course: Path, folder: Path, size: int) -> dict[str, Any]:
    """A class of some size with two workers, and once more, unchanged."""
    root = copy(course, size, folder)
    found, again = run(root, ENGINES[2]), run(root, ENGINES[2])
    if again["kept"] < found["graded"]:
        raise RuntimeError("the package was edited while it was measured, so that all was graded again")
    shutil.rmtree(root)
    return {"size": size, "again": again["seconds"]} | summary([found], size)


# --- kills -----------------------------------------------------------------------------------------------------------


VICTIMS = ("grader", "writer", "worker")


def doing(root: Path) -> str:
    """What a grader is at."""
    kept = root / "grading"
    if (root / "grades.csv").exists():
        return "ending"
    if (kept / "staged-to-record").exists():
        return "writing"
    return "waiting for a result" if any((kept / "judged" / set_of(root)).glob("*.json")) else "starting"


def killed_once(root: Path, wait: float, victim: str) -> str:
    """Grade, and kill the grader, or one of its workers, after some seconds; what it was at, empty where it had ended.

    A writer is killed the next time that it is at a submission, within a third of a second.
    """
    words = [sys.executable, "-m", "benchmarks.grading", "--engine", ENGINES[2], "--course", str(root)]
    quiet = {"cwd": ROOT, "stderr": subprocess.DEVNULL, "start_new_session": True}
    with subprocess.Popen(words, **quiet) as grader:
        try:
            grader.wait(wait)
        except subprocess.TimeoutExpired:
            import psutil

            while victim == "writer" and doing(root) != "writing" and grader.poll() is None:
                time.sleep(0.005)
            time.sleep(random.uniform(0, 0.3) if victim == "writer" else 0)
            at = doing(root)
            below = [one for one in psutil.Process(grader.pid).children() if "spawn_main" in " ".join(one.cmdline())]
            target = random.choice(below).pid if victim == "worker" and below else grader.pid
            with suppress(ProcessLookupError):
                os.kill(target, signal.SIGKILL)
            return at if grader.wait() or victim == "worker" else ""
    return ""


def scores(root: Path) -> dict[str, list[float]]:
    """Every score that the gradebook has of each student."""
    from wgan_grader.course import Course

    found: dict[str, list[float]] = {}
    with Course(root).gradebook() as book:
        for one in book.assignment_submissions(set_of(root)):
            found.setdefault(one.student_id, []).append(one.score)
    return found


def kill(course: Path, folder: Path, size: int, times: int, seed: int) -> dict[str, Any]:
    """Kill and resume so many times, each in a fresh course; what is lost, doubled or different."""
    random.seed(seed)
    root = copy(course, size, folder)
    began = clock()
    run(root, ENGINES[2])
    whole, expected = clock() - began, scores(root)
    counts: dict[str, Any] = {"runs": times, "killed": 0, "lost": 0, "doubled": 0, "different": 0}
    moments: Counter[str] = Counter()
    for number in range(times):
        root = copy(course, size, folder)
        victim = VICTIMS[number % 3]
        began = clock()
        at = killed_once(root, random.uniform(0.05, 0.95) * whole, victim)
        counts["killed"] += bool(at)
        moments.update([f"{'worker' if victim == 'worker' else 'grader'}, {at}"] * bool(at))
        whole = whole if at else min(whole, clock() - began)
        run(root, ENGINES[2])
        found = scores(root)
        counts["lost"] += sum(student not in found for student in expected)
        counts["doubled"] += sum(len(given) > 1 for given in found.values())
        counts["different"] += sum(found.get(student) != given for student, given in expected.items())
        shutil.rmtree(root)
        logging.info("%s %s", counts, dict(moments))
    return counts | {"moments": dict(moments), "students": size, "seed": seed}


# --- the command -----------------------------------------------------------------------------------------------------


def origin(options: argparse.Namespace, data: str) -> dict[str, str]:
    """Where the numbers come from."""
    from tools.book.results import provenance

    found = provenance(__file__, data, f"cpu, {os.cpu_count()} processors")
    found |= {"command": "python -m benchmarks.grading " + " ".join(sys.argv[1:])}
    found |= {"python": platform.python_version(), "load": f"{options.load:.1f}"}
    return found | {name: version(name) for name in PACKAGES}


def parse() -> argparse.Namespace:
    """Options of the command line; those of a single engine are for the processes that this one starts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1000, help="the largest class")
    parser.add_argument("--sample", type=int, default=20, help="students that every engine grades")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=[], help="only classes of these sizes")
    parser.add_argument("--set", choices=sorted(NAMES), default="ps06", help="another: only the pace of two workers")
    parser.add_argument("--kills", type=int, default=0, help="kill and resume so many times instead")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    parser.add_argument("--out", type=Path, default=OUT)
    for name in ("--engine", "--course", "--told", "--group"):
        parser.add_argument(name, default="", help=argparse.SUPPRESS)
    parser.set_defaults(load=os.getloadavg()[0])
    return parser.parse_args()


def one_engine(options: argparse.Namespace) -> None:
    """Grade a course, as `run` asks."""
    if options.group:
        Path(options.group, "cgroup.procs").write_text(str(os.getpid()))
    found = grade(Path(options.course), options.engine)
    if options.told:
        Path(options.told).write_text(json.dumps(found))


def measure(options: argparse.Namespace, course: Path, folder: Path) -> Iterator[dict[str, Any]]:
    """What the options ask for, part after part."""
    if options.kills:
        counts = kill(course, folder, min(options.sample, 6), options.kills, options.seed)
        yield {"kills": counts | {"provenance": origin(options, "six students, killed at a random moment")}}
        return
    data = f"{options.rounds} rounds over {options.sample} students"
    if options.set != "ps06":
        found = compare(course, folder, options.sample, options.rounds, ENGINES[2:3])[ENGINES[2]]
        yield {"sets": {options.set: found | {"provenance": origin(options, data)}}}
        return
    if not options.sizes:
        engines = compare(course, folder, options.sample, options.rounds)
        yield {"engines": engines, "sample": options.sample, "provenance": origin(options, data)}
    usual = [size for size in (10, 30, 100, 300, 1000) if size < options.size] + [options.size]
    for size in options.sizes or usual:
        row = grow(course, folder, size)
        logging.info("%s", row)
        yield {"growth": [row | {"provenance": origin(options, f"a class of {size}, once")}]}


def merged(known: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """What was known with what was found: new numbers of a size, or of a set, in place of the old ones."""
    rows = {row["size"]: row for row in [*known.get("growth", []), *found.get("growth", [])]}
    sets = known.get("sets", {}) | found.get("sets", {})
    both = known | found | {"growth": [rows[size] for size in sorted(rows)], "sets": sets}
    return {name: value for name, value in both.items() if value}


def main() -> None:
    """Measure, and put the numbers into the file, beside what it has of the other kinds."""
    options = parse()
    if options.engine:
        return one_engine(options)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory(prefix="grading-") as folder:
        course = make_course(Path(folder) / "course", NAMES[options.set])
        for found in measure(options, course, Path(folder)):
            known = json.loads(options.out.read_text()) if options.out.exists() else {}
            atomic_write(options.out, (json.dumps(merged(known, found), indent=1) + "\n").encode())
    return None


if __name__ == "__main__":
    main()
