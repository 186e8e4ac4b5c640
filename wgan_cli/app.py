"""The command line, ``wgan-course``: one short function a command, which hands over to the library.

Every import that costs time is inside the command that needs it, so that ``--help`` answers at once.
"""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from wgan_cli import require, teaching
from wgan_cli.root import find_root, tool

__all__ = ["app", "main"]

HELP = """
[bold]Wasserstein GANs and Lipschitz critics[/bold]: the tools behind the course.

Run inside the course's folder. Readers need [cyan]book[/cyan]; students [cyan]lab[/cyan] and [cyan]check[/cyan];
instructors [cyan]release[/cyan] and [cyan]grade[/cyan]; engineers [cyan]train[/cyan]. When something does not work, ask
[cyan]doctor[/cyan] first.
"""
MARKS = {"good": "[green]✓[/green]", "absent": "[yellow]–[/yellow]", "broken": "[red]✗[/red]"}

OURS = ("wgan_course", "wgan_grader", "wgan_cli", "tools")

app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
console = Console()
errors = Console(stderr=True)


def main() -> None:
    """Run the command line; an error that is the user's to mend is one sentence, not a traceback.

    Raises
    ------
    SystemExit
        With 0 when all went well, 1 when not, 2 for a command that was not understood.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        app()
    except (ValueError, OSError, RuntimeError) as error:
        _fail(error)
    except Exception as error:
        if not type(error).__module__.startswith(OURS):
            raise
        _fail(error)


def _fail(error: Exception) -> None:
    if "WGAN_COURSE_DEBUG" in os.environ:
        raise error
    errors.print(f"[red]✗[/red] {escape(str(error) or type(error).__name__)}", highlight=False, soft_wrap=True)
    raise SystemExit(1) from error


@app.command(rich_help_panel="Read")
def book(
    force: Annotated[bool, typer.Option("--force", help="Run and write every page again.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show what Sphinx does.")] = False,
    language: Annotated[
        str, typer.Option(help="Also build the edition in a language that there is, such as zh_CN.")
    ] = "en",
) -> None:
    """Run the labs and build the book into [cyan]_build/html[/cyan].

    Only pages whose code, or whose part of the package, has changed run again. Any warning makes the build fail. The
    result asks no other host for anything and reads from disk. An edition in another language goes into
    [cyan]_build/LANGUAGE[/cyan], with the same figures; pages that nobody has translated stay English there.
    """
    require("jupyter_book")  # before anything is forgotten or fetched
    root, status = find_root(), sys.stdout if verbose else None
    if language == "en":
        built = tool("book.build").build(root, force=force, status=status)
    else:
        built = tool("book.editions").build_edition(root, language, force=force, status=status)
    console.print("[green]✓[/green] nothing has changed" if built.fresh else "[green]✓[/green] the book is built")
    console.print(f"  open   {built.index.as_uri()}", soft_wrap=True, highlight=False)
    console.print("  serve  make serve   [dim](then http://localhost:8000)[/dim]", highlight=False)


@app.command(rich_help_panel="Read")
def pdf() -> None:
    """Print the whole book, with its figures and open proofs, into one PDF in [cyan]_build/pdf[/cyan].

    The book is built first where it is missing. Chromium prints it: two or three minutes.
    """
    require("bs4", "playwright", "pypdf")
    root = find_root()
    if not (root / "_build" / "html" / "index.html").is_file():
        book()
    file = tool("book.pdf").build_pdf(root)
    console.print(f"[green]✓[/green] {escape(str(file))}", highlight=False, soft_wrap=True)


@app.command(rich_help_panel="Teach")
def slides(
    chapter: Annotated[list[str] | None, typer.Argument(help="Such as 06; all when absent.")] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print them with Chromium too.")] = False,
) -> None:
    """Make slides of chapters from their outcomes, statements and figures, into [cyan]_build/slides[/cyan].

    Arrow keys turn them, [cyan]n[/cyan] shows the speaker's notes. The book must have been built.
    """
    require("bs4")
    making = tool("book.slides")
    for file in making.build_slides(find_root(), chapter):
        for made in [file, making.print_pdf(file)] if pdf else [file]:
            console.print(f"[green]✓[/green] {escape(str(made))}", highlight=False, soft_wrap=True)


@app.command(rich_help_panel="Learn", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(
    context: typer.Context,
    notebook: Annotated[str, typer.Argument(help="What to open.")] = "exercises",
) -> None:
    """Open the exercises in JupyterLab; its own options, such as [cyan]--no-browser --port 8889[/cyan], go on to it."""
    require("jupyterlab")
    words, root = [notebook, *context.args], find_root()
    opened = next((word for word in words if not word.startswith("-") and (root / word).exists()), "exercises")
    own = [word for word in words if word != opened]
    if hasattr(os, "geteuid") and os.geteuid() == 0 and "--allow-root" not in own:
        own.append("--allow-root")  # as in a container; JupyterLab refuses otherwise
    arguments = [sys.executable, "-m", "jupyterlab", str(root / opened), *own]
    os.execv(sys.executable, arguments)


@app.command(rich_help_panel="Learn")
def check(
    notebook: Annotated[Path | None, typer.Argument(help="A problem set's notebook; without one, the course.")] = None,
) -> None:
    """Run a problem set's notebook here and show its points; or, without one, look over the course itself.

    A notebook runs from top to bottom in a fresh kernel, as it will when it is graded, and the points of each check
    are added up. [dim]The official grade uses other inputs; proofs are read by a person.[/dim]

    Without a notebook: ruff, the table of contents, a test for each theorem, quoted numbers, alt texts.
    """
    good = _check_course() if notebook is None else _check_notebook(notebook)
    raise typer.Exit(0 if good else 1)


def _check_course() -> bool:
    found = tool("book.lint").run_all(find_root())
    for title, findings in found.items():
        _show_findings(title, findings, "broken")
    _show_findings("translations up to date", tool("book.editions").stale(find_root()), "absent")
    return not any(found.values())


def _show_findings(title: str, findings: list[str], mark: str) -> None:
    console.print(f"{MARKS[mark if findings else 'good']} {title}", highlight=False)
    for finding in findings:
        console.print(f"    {escape(finding)}", highlight=False, soft_wrap=True)


def _check_notebook(path: Path) -> bool:
    from wgan_grader.selfcheck import run_notebook

    result = run_notebook(path)
    table = Table("Check", "Points", "What to look at", title=path.name)
    for row in result.rows:
        table.add_row(row.name, f"{row.points:g} / {row.possible:g}", escape(row.remark))
    table.add_section()
    table.add_row("all", f"{result.points:g} / {result.possible:g}", escape(result.error))
    console.print(table)
    console.print(f"{path.name}: {result.total}", highlight=False)
    for note in result.notes:
        console.print(f"[yellow]![/yellow] {escape(note)}", highlight=False, soft_wrap=True)
    return not result.error


@app.command(rich_help_panel="Train")
def train(  # the options of a run, one parameter each
    data: Annotated[
        str, typer.Option(help="fashion-mnist, emoji, mnist, cifar10, ..., eight-gaussians, a folder, an .npz file.")
    ] = "fashion-mnist",
    constraint: Annotated[str, typer.Option(help="clip, gp, lp, r1, sn, ...: how the critic is kept Lipschitz.")] = (
        "clip"
    ),
    option: Annotated[list[str] | None, typer.Option(help="Of the constraint: clip=0.01, weight=10.")] = None,
    objective: Annotated[str, typer.Option(help="One of wgan_course.objectives.NAMES: wasserstein, hinge, ...")] = (
        "wasserstein"
    ),
    model: Annotated[str, typer.Option(help="auto, mlp, dcgan or resnet.")] = "auto",
    steps: Annotated[int, typer.Option(help="Generator steps.")] = 500,
    batch: Annotated[int | None, typer.Option(help="Samples a step; 64, and 128 of a toy distribution.")] = None,
    n_critic: Annotated[int, typer.Option(help="Critic steps a generator step.")] = 5,
    lr: Annotated[
        float | None, typer.Option(help="Learning rate of both; chosen by optimiser and data when absent.")
    ] = None,
    size: Annotated[int | None, typer.Option(help="Side of the images; their own when absent.")] = None,
    width: Annotated[int | None, typer.Option(help="Channels or hidden units; chosen by the model.")] = None,
    conditional: Annotated[bool, typer.Option(help="Give both networks the labels.")] = False,
    ema: Annotated[
        float | None,
        typer.Option(help="Decay of the generator's moving average; none, and 0.98 for toy distributions."),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same run.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="fp32 or bf16.")] = "fp32",
    graph: Annotated[
        bool | None, typer.Option("--graph/--no-graph", help="A round as one CUDA graph; by itself where that works.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the run.")] = Path("runs/latest"),
    resume: Annotated[Path | None, typer.Option(help="Folder of a run to go on with, to the bit.")] = None,
    data_path: Annotated[Path | None, typer.Option(help="Where the images lie; found by itself.")] = None,
) -> None:
    """Train a Wasserstein GAN, with a progress bar, a JSONL log, a grid of samples and a checkpoint.

    [dim]wgan-course train --data fashion-mnist --constraint clip --steps 500[/dim] takes about a minute on two cores;
    [dim]wgan-course train --resume runs/latest --steps 1000[/dim] goes on from there. On several devices:
    [dim]torchrun --nproc-per-node 4 -m wgan_cli train ...[/dim], with the batch shared among them.
    """
    require("torchvision")  # the grid of samples, after the first steps
    from wgan_course.training.runs import RunOptions, train_from_options

    options = RunOptions(
        data=data, constraint=constraint, constraint_options=_options(option or []), objective=objective, model=model,
        steps=steps, batch=batch, n_critic=n_critic, lr_critic=lr, lr_generator=lr, size=size, width=width,
        conditional=conditional, ema=ema, seed=seed, device=device, precision=precision, out=out, resume=resume,
        data_path=data_path, graph=graph,
    )  # fmt: skip
    result = train_from_options(options)
    if os.environ.get("RANK", "0") != "0":
        return
    console.print(f"[green]✓[/green] {result.data}; {result.device}", highlight=False)
    for name in ("samples", "log", "checkpoint"):
        console.print(f"  {name:<12}{getattr(result, name)}", highlight=False, soft_wrap=True)


def _options(given: list[str]) -> dict[str, float | bool]:
    pairs = [text.partition("=") for text in given]
    wrong = [name for name, _, value in pairs if not value]
    if wrong:
        raise ValueError(f"--option takes name=value, such as clip=0.01; got {', '.join(wrong)}")
    return {name: _value(name, value) for name, _, value in pairs}


def _value(name: str, text: str) -> float | bool:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    try:
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    except ValueError:
        raise ValueError(f"--option {name}={text}: a number, true or false is wanted") from None


@app.command(rich_help_panel="Teach")
def release(
    problem_sets: Annotated[list[str] | None, typer.Argument(help="Such as ps01_js_saturation; all of them.")] = None,
    course: Annotated[Path | None, typer.Option(help="Folder with nbgrader_config.py and solutions/.")] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Grade each solution too, and note its time: submissions get a multiple.")
    ] = False,
) -> None:
    """Make [cyan]exercises/[/cyan] from [cyan]solutions/[/cyan] with nbgrader."""
    root = course or find_root()
    from wgan_grader.pipeline import release as release_sets

    for notebook in release_sets(root, problem_sets or (), measure=measure):
        console.print(f"[green]✓[/green] {notebook}", highlight=False, soft_wrap=True)


@app.command(rich_help_panel="Teach")
def grade(
    problem_set: Annotated[str, typer.Argument(help="Such as ps01_js_saturation.")],
    student: Annotated[list[str] | None, typer.Option(help="Only this one; may be given again.")] = None,
    workers: Annotated[int, typer.Option(help="Submissions that run at once; as many as processors.")] = os.cpu_count()
    or 1,
    course: Annotated[Path | None, typer.Option(help="Folder with nbgrader_config.py and submitted/.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Run again what was judged before.")] = False,
    no_sandbox: Annotated[
        bool, typer.Option("--no-sandbox", help="Run submissions with all your rights: any of them can do anything.")
    ] = False,
    dask: Annotated[str, typer.Option(help="Run on the workers of this Dask scheduler: tcp://host:8786.")] = "",
    db: Annotated[str, typer.Option(help="Gradebook elsewhere: postgresql://host/name.")] = "",
    multiple: Annotated[float, typer.Option(help="Processor time of a submission, in those of the solution.")] = 10.0,
) -> None:
    """Grade a class: run each submission in a sandbox, judge it, write feedback and [cyan]grades.csv[/cyan].

    Submissions lie in [cyan]submitted/STUDENT/PROBLEM_SET/[/cyan]. None can stop, see or change another's. A run
    that was killed goes on where it was.
    """
    root = course or find_root()
    for module in ["distributed"] * bool(dask) + ["psycopg2"] * db.startswith("postgresql"):
        require(module)
    from wgan_grader import pipeline
    from wgan_grader.execution import Settings

    summary = pipeline.grade(
        root,
        problem_set,
        students=student or (),
        workers=workers,
        settings=Settings(multiple=multiple),
        no_sandbox=no_sandbox,
        force=force,
        dask=dask,
        db=db,
        console=console,
    )
    console.print(f"  grades    {summary.grades}\n  feedback  {summary.feedback}", highlight=False, soft_wrap=True)
    raise typer.Exit(1 if any(row.status == "failed" for row in summary.rows) else 0)


teaching.register(app)


@app.command(rich_help_panel="When it does not work")
def doctor() -> None:
    """Versions, devices, sandbox, node, browser, disk: what is missing and how to get it.

    Ends with 1 when something that the course needs is missing.
    """
    from wgan_cli.doctor import examine

    states = []
    for finding in examine():
        states.append(finding.state)
        console.print(
            f"{MARKS[finding.state]} [bold]{finding.name:<10}[/bold] {escape(finding.detail)}", highlight=False
        )
        if finding.cure:
            console.print(f"  {'':<10} → {escape(finding.cure)}", highlight=False)
    raise typer.Exit(1 if "broken" in states else 0)
