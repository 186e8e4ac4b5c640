"""A verdict as people read it: a table in a notebook, text in a terminal."""

import os
import re
import sys
from html import escape
from typing import Any

CHECK = "application/vnd.wgan-course.check+json"
MAX_LINE = 240
MARKS = {True: "✓", False: "✗"}
COLOURS = {"✓": "#258743", "✗": "#d93a36"}  # read on white and on black
STRESS = re.compile(r"(?<![\w*])\*(?! )([^*<>]+?)(?<! )\*(?![\w*])")
_CELL = "padding:.2em .8em .2em 0;text-align:left;vertical-align:top;white-space:normal;overflow-wrap:anywhere"
_CODE = "margin:.4em 0;padding:0;white-space:pre-wrap;overflow-wrap:anywhere;color:inherit;background:none"
_NOTE = "margin:.4em 0;max-width:46em;overflow-wrap:anywhere"


class Points(float):
    """Points that a notebook does not show once more where the check is a cell's last line."""

    def _ipython_display_(self) -> None:
        return


class _Result:
    """A verdict as a cell's result: the table for the reader, and the bare points, which nbgrader reads."""

    def __init__(self, verdict: Any) -> None:
        self._data = {
            "text/html": html(verdict),
            "text/plain": repr(float(verdict.points)),
            CHECK: {"points": verdict.points, "possible": verdict.possible, "text": text(verdict)},
        }

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return self._data


def number(points: float) -> str:
    """Points without needless zeros: 4, 1.5."""
    return f"{points:g}"


def headline(verdict: Any) -> str:
    """One line: the key, the points, and whether anything was attempted."""
    score = f"{number(verdict.points)} of {number(verdict.possible)} points"
    notes = {"not-attempted": " (not attempted)", "unreadable": " (could not be read)"}
    return f"{verdict.key}: {score}{notes.get(verdict.status, '')}"


def text(verdict: Any) -> str:
    """Verdict for a terminal."""
    rows = [
        f"  {_mark(row, verdict)} {row.title} ({number(row.earned)}/{number(row.points)})" for row in verdict.criteria
    ]
    notes = [f"  → {message}" for message in _messages(verdict)]
    return "\n".join([headline(verdict), *rows, *notes, *(f"  {line}" for line in _below(verdict))])


def html(verdict: Any) -> str:
    """Verdict for a notebook. Everything in it is escaped."""
    rows = "".join(_row(row, verdict) for row in verdict.criteria)
    notes = "".join(f"<p style='{_NOTE}'>→ {_stressed(message)}</p>" for message in _messages(verdict))
    below = "\n".join(map(escape, _below(verdict)))
    code = below and f"<pre style='{_CODE}'>{below}</pre>"
    table = f"<table style='margin:.4em 0;border-collapse:collapse;color:inherit;font-size:inherit'>{rows}</table>"
    return f"<div class='wgan-check'><strong>{escape(headline(verdict))}</strong>{table}{notes}{code}</div>"


def show(verdict: Any) -> None:
    """Show a verdict where the reader is."""
    if in_notebook():
        hook = sys.modules["IPython"].get_ipython().displayhook
        if not hook.quiet():  # as it is where the cell ends in a semicolon
            hook(_Result(verdict))
            if "NBGRADER_VALIDATING" in os.environ and verdict.points < verdict.possible:
                sys.stderr.write(text(verdict))  # Validate shows this, or else one sentence whatever the score
            return
    show_both(text(verdict), html(verdict))


def recorded(key: str) -> None:
    """Say that a function was observed and will be judged elsewhere."""
    show_both(f"{key}: recorded", f"<div class='wgan-check'><strong>{escape(key)}</strong>: recorded</div>")


def note(message: str) -> None:
    """Show one line of text."""
    show_both(message, f"<div class='wgan-check'>{escape(message)}</div>")


def show_both(plain: str, rich: str) -> None:
    """Display in a notebook's kernel, else write to standard output."""
    if in_notebook():
        from IPython.display import display

        display({"text/plain": plain, "text/html": rich}, raw=True)
    else:
        sys.stdout.write(plain + "\n")


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    return getattr(shell, "kernel", None) is not None


def _mark(row: Any, verdict: Any) -> str:
    return "–" if verdict.status == "not-attempted" else MARKS[row.passed]


def _row(row: Any, verdict: Any) -> str:
    mark = _mark(row, verdict)
    colour = COLOURS.get(mark, "inherit")
    cells = (
        f"<td style='{_CELL};color:{colour};font-weight:bold'>{mark}</td>",
        f"<td style='{_CELL}'>{escape(row.title)}</td>",
        f"<td style='{_CELL};white-space:nowrap'>{number(row.earned)}/{number(row.points)}</td>",
    )
    return f"<tr>{''.join(cells)}</tr>"


def _stressed(message: str) -> str:
    """Escaped, with what stands between asterisks stressed."""
    return STRESS.sub(r"<em>\1</em>", escape(message))


def _messages(verdict: Any) -> list[str]:
    """What is said below the table: an error that several criteria met is told once."""
    told, seen = [], set()
    for diagnosis in verdict.diagnoses:
        error = diagnosis.message.partition("stops with an error: ")[2] if diagnosis.id == "generic:error" else ""
        if not error or error not in seen:
            told.append(diagnosis.message)
        seen.add(error)
    return told


def _below(verdict: Any) -> list[str]:
    """The example, and in a student's own check what helps to find the fault."""
    found = [] if verdict.example is None else _example(verdict)
    seen = verdict.debugging
    if seen is None:
        return found
    trace = ["your lines that led to the error:", *(f"  {line}" for line in seen.trace)] if seen.trace else []
    printed = ["printed:", *(f"  {line}" for line in seen.printed.splitlines())] if seen.printed else []
    hint = [f'these objects: failing_input("{verdict.key}")'] if seen.failing else []
    return [*trace, *map(_cut, found), *hint, *printed]


def _cut(line: str) -> str:
    """No wall of numbers, where the objects themselves can be had."""
    return line if len(line) <= MAX_LINE else f"{line[:MAX_LINE].rstrip()} …"


def _example(verdict: Any) -> list[str]:
    """The smallest failing input; an error that was told above is not told again."""
    example = verdict.example
    told = any(example.got and example.got.rstrip(".") in diagnosis.message for diagnosis in verdict.diagnoses)
    error = "no answer, see above" if example.failed and told else example.got
    return [f"smallest failing input: {example.inputs}", f"expected: {example.expected}", f"got: {error}"]
