"""A verdict as people read it: a table in a notebook, text in a terminal."""

import re
import sys
from html import escape
from typing import Any

MARKS = {True: "✓", False: "✗"}
COLOURS = {"✓": "#258743", "✗": "#d93a36"}  # read on white and on black
STRESS = re.compile(r"(?<![\w*])\*(?! )([^*<>]+?)(?<! )\*(?![\w*])")
_CELL = "padding:.2em .8em .2em 0;text-align:left;vertical-align:top;white-space:normal;overflow-wrap:anywhere"
_NOTE = "margin:.4em 0;max-width:46em;overflow-wrap:anywhere"


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
    notes = [f"  → {diagnosis.message}" for diagnosis in verdict.diagnoses]
    example = [] if verdict.example is None else [f"  {line}" for line in _example(verdict.example)]
    return "\n".join([headline(verdict), *rows, *notes, *example])


def html(verdict: Any) -> str:
    """Verdict for a notebook. Everything in it is escaped."""
    rows = "".join(_row(row, verdict) for row in verdict.criteria)
    notes = "".join(f"<p style='{_NOTE}'>→ {_stressed(note.message)}</p>" for note in verdict.diagnoses)
    example = "" if verdict.example is None else _example_html(verdict.example)
    table = f"<table style='margin:.4em 0;border-collapse:collapse;color:inherit;font-size:inherit'>{rows}</table>"
    return f"<div class='wgan-check'><strong>{escape(headline(verdict))}</strong>{table}{notes}{example}</div>"


def show(verdict: Any) -> None:
    """Show a verdict where the reader is."""
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


def _example(example: Any) -> list[str]:
    return [f"smallest failing input: {example.inputs}", f"expected: {example.expected}", f"got: {example.got}"]


def _example_html(example: Any) -> str:
    lines = "<br>".join(escape(line) for line in _example(example))
    return f"<p style='{_NOTE}'><code style='white-space:pre-wrap'>{lines}</code></p>"
