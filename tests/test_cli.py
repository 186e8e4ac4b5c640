"""The command line: help worth reading, the right call behind each command, errors in one sentence."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from tools.book import build, editions, lint
from wgan_cli import app as cli
from wgan_cli import doctor
from wgan_cli.root import NoCourseError
from wgan_course.training import runs

COMMANDS = ("book", "train", "check", "release", "grade", "doctor", "lab", "report")


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(cli, "console", cli.Console(width=200, color_system=None, legacy_windows=False))


@pytest.fixture
def capture(monkeypatch):
    """Runs a command line in this process and gives exit code and text."""

    def run(*arguments):
        result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
        return SimpleNamespace(code=result.exit_code, text=result.output, error=result.exception)

    return run


def test_help_names_every_command(capture):
    text = capture("--help").text
    assert all(name in text for name in COMMANDS)
    assert "students" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help(capture, name):
    result = capture(name, "--help")
    assert result.code == 0
    assert len(result.text) > 200


def test_help_imports_nothing_heavy():
    code = "import sys; import wgan_cli.app; print(sorted({'torch', 'sphinx', 'nbgrader'} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_an_unknown_command_is_refused(capture):
    assert capture("fly").code == 2


@pytest.mark.parametrize(("fresh", "words"), [(True, "nothing has changed"), (False, "is built")])
def test_book_says_where_to_open_it(capture, monkeypatch, course_root, fresh, words):
    index = course_root / "_build" / "html" / "index.html"
    monkeypatch.setattr(build, "build", lambda *_, **__: build.Built(index, fresh))
    text = capture("book").text
    assert words in text
    assert index.as_uri() in text
    assert "make serve" in text


def test_train_hands_every_option_over(capture, monkeypatch, tmp_path):
    seen = {}

    def train(options):
        seen.update(vars(options))
        return SimpleNamespace(data="toy", device="cpu", samples="s.png", log="l.jsonl", checkpoint="c.pt")

    monkeypatch.setattr(runs, "train_from_options", train)
    result = capture(
        "train", "--data", "eight-gaussians", "--constraint", "gp", "--option", "weight=5", "--option", "flag=true",
        "--steps", 7, "--batch", 8, "--n-critic", 2, "--lr", 0.001, "--seed", 3, "--device", "cpu", "--out", tmp_path,
    )  # fmt: skip
    assert result.code == 0, result.error
    assert (seen["data"], seen["constraint"], seen["steps"], seen["batch"]) == ("eight-gaussians", "gp", 7, 8)
    assert seen["constraint_options"] == {"weight": 5, "flag": True}
    assert (seen["lr_critic"], seen["lr_generator"], seen["seed"], seen["n_critic"]) == (0.001, 0.001, 3, 2)
    assert "s.png" in result.text


def test_train_knows_no_other_defaults_than_the_library(capture, monkeypatch):
    seen = []
    monkeypatch.setattr(
        runs,
        "train_from_options",
        lambda options: seen.append(options) or SimpleNamespace(data="", device="", samples="", log="", checkpoint=""),
    )
    assert capture("train").code == 0
    default = vars(runs.RunOptions())
    assert {key: str(value) for key, value in vars(seen[0]).items()} == {
        key: str(value) for key, value in default.items()
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [("a=1", 1), ("a=-2", -2), ("a=0.01", 0.01), ("a=1e-3", 1e-3), ("a=true", True), ("a=False", False)],
)
def test_options_of_a_constraint_are_numbers_or_truths(text, value):
    found = cli._options([text])["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["clip", "clip=", "clip=small"])
def test_other_options_are_refused(text):
    with pytest.raises(ValueError, match="clip"):
        cli._options([text])


def test_training_leaves_files_and_goes_on(tmp_path, capture):
    options = ("--data", "eight-gaussians", "--steps", 2, "--batch", 8, "--n-critic", 1, "--device", "cpu")
    first = capture("train", *options, "--out", tmp_path / "run")
    assert first.code == 0, first.error
    assert (tmp_path / "run" / "samples.png").is_file()
    again = capture("train", "--resume", tmp_path / "run", "--steps", 4, "--out", tmp_path / "run")
    assert again.code == 0, again.error
    steps = [json.loads(line)["step"] for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert steps[-1] == 4


def test_other_processes_than_the_first_say_nothing(capture, monkeypatch):
    monkeypatch.setattr(runs, "train_from_options", lambda _: None)
    monkeypatch.setenv("RANK", "1")
    assert capture("train").text == ""


def test_the_package_runs_as_a_module(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "wgan_cli", "book"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert "_toc.yml" in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "--constraint", "nonsense", "--steps", 1), "nonsense"),
        (("train", "--data", "nonsense", "--steps", 1), "nonsense"),
        (("train", "--option", "clip"), "name=value"),
        (("train", "--lr", 0, "--data", "two-moons"), "lr_critic must be above 0, got 0.0"),
        (("train", "--width", 0, "--data", "two-moons"), "width must be"),
        (("train", "--steps", 0), "steps must be"),
        (("check", "nowhere.ipynb"), "nowhere.ipynb"),
        (("book",), "_toc.yml"),
        (("grade", "ps01_js_saturation"), "_toc.yml"),
    ],
)
def test_an_error_is_one_sentence(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["wgan-course", *map(str, arguments)])
    monkeypatch.setattr(cli, "errors", cli.Console(stderr=True, width=500))
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    said = capsys.readouterr().err
    assert stopped.value.code == 1
    assert words in said
    assert "Traceback" not in said


def test_an_error_can_be_seen_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["wgan-course", "book"])
    monkeypatch.setenv("WGAN_COURSE_DEBUG", "1")
    with pytest.raises(NoCourseError):
        cli.main()


def test_the_course_is_checked(capture, monkeypatch):
    monkeypatch.setattr(lint, "run_all", lambda _: {"one": [], "two": ["a [fault]"]})
    monkeypatch.setattr(editions, "stale", lambda _: ["a string is fuzzy"])
    result = capture("check")
    assert result.code == 1
    assert "a string is fuzzy" in result.text
    assert "✓ one" in result.text
    assert "a [fault]" in result.text
    monkeypatch.setattr(lint, "run_all", lambda _: {"one": []})
    assert capture("check").code == 0


def test_a_notebook_is_checked(capture, monkeypatch):
    from wgan_grader import selfcheck

    rows = (selfcheck.Row("check-ps01-kl", 2, 4, "✗ infinite"), selfcheck.Row("proof", 0, 3, selfcheck.BY_HAND))
    monkeypatch.setattr(selfcheck, "run_notebook", lambda _: selfcheck.NotebookResult(rows))
    result = capture("check", "x.ipynb")
    assert result.code == 0
    assert all(words in result.text for words in ("2 / 4", "2 / 7", "infinite", "read by a person"))
    result = selfcheck.NotebookResult(rows, "it stopped", ("cell 'set-up' [locked] will be put back",))
    monkeypatch.setattr(selfcheck, "run_notebook", lambda _: result)
    assert "cell 'set-up' [locked] will be put back" in (told := capture("check", "x.ipynb")).text
    assert told.code == 1


def test_release_and_grade_call_the_pipeline(capture, monkeypatch, tmp_path):
    from wgan_grader import pipeline

    calls = []
    row = SimpleNamespace(status="graded")
    summary = SimpleNamespace(grades=Path("grades.csv"), feedback=Path("feedback"), rows=[row])
    monkeypatch.setattr(pipeline, "release", lambda *call, **_: calls.append(call) or [Path("exercises/x.ipynb")])
    monkeypatch.setattr(pipeline, "grade", lambda *call, **more: calls.append((call, more)) or summary)
    assert "exercises/x.ipynb" in capture("release", "ps01_js_saturation").text
    assert calls[0][1] == ["ps01_js_saturation"]
    result = capture(
        "grade", "ps01", "--course", tmp_path, "--student", "ann", "--student", "bob", "--workers", 3, "--force"
    )
    assert result.code == 0, result.error
    (root, name), more = calls[1]
    assert (root, name) == (tmp_path, "ps01")
    assert (list(more["students"]), more["workers"], more["force"], more["no_sandbox"]) == (
        ["ann", "bob"],
        3,
        True,
        False,
    )
    row.status = "failed"
    assert capture("grade", "ps01", "--course", tmp_path).code == 1


@pytest.mark.parametrize(("state", "code"), [("good", 0), ("absent", 0), ("broken", 1)])
def test_doctor_fails_only_for_what_is_needed(capture, monkeypatch, state, code):
    monkeypatch.setattr(doctor, "examine", lambda: iter([doctor.Finding("Thing", state, "found [it]", "get it")]))
    result = capture("doctor")
    assert result.code == code
    assert "found [it]" in result.text
    assert "get it" in result.text


def test_lab_opens_jupyterlab_on_the_exercises(capture, monkeypatch, course_root):
    seen = []
    monkeypatch.setattr(cli.os, "execv", lambda path, arguments: seen.append(arguments))
    monkeypatch.chdir(course_root)
    capture("lab")
    assert seen[0][1:3] == ["-m", "jupyterlab"]
    assert seen[0][3].endswith("exercises")


@pytest.mark.parametrize(("who", "told"), [(0, ["--allow-root"]), (1000, [])])
def test_lab_opens_in_a_container_too(capture, monkeypatch, course_root, who, told):
    seen = []
    monkeypatch.setattr(cli.os, "execv", lambda path, arguments: seen.append(arguments))
    monkeypatch.setattr(cli.os, "geteuid", lambda: who)
    monkeypatch.chdir(course_root)
    capture("lab")
    assert seen[0][4:] == told


@pytest.mark.parametrize("own", [("--no-browser", "--port", "8889"), ("--allow-root",)])
def test_lab_passes_jupyterlab_s_own_options_on(capture, monkeypatch, course_root, own):
    seen = []
    monkeypatch.setattr(cli.os, "execv", lambda path, arguments: seen.append(arguments))
    monkeypatch.chdir(course_root)
    capture("lab", *own)
    capture("lab", "--", *own)
    capture("lab", "exercises/ps01_js_saturation", *own)
    capture("lab", *own, "exercises/ps01_js_saturation")
    assert [[word for word in one[4:] if word != "--allow-root" or word in own] for one in seen] == [list(own)] * 4
    opened = ("exercises", "exercises", "ps01_js_saturation", "ps01_js_saturation")
    assert [Path(one[3]).name for one in seen] == list(opened)


def test_make_has_a_target_for_each_command(course_root):
    listed = subprocess.run(["make", "help"], cwd=course_root, capture_output=True, text=True, check=True).stdout
    assert all(f"make {name}" in listed for name in ("book", "test", "lab", "check", "release", "grade", "doctor"))
