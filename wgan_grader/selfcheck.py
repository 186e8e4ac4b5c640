"""A student's own look at a whole problem set: run the notebook in a fresh kernel and add up what its checks return."""

import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wgan_course.check.report import CHECK

from .released import read_notebook, will_be_put_back
from .submission import broken_cells

__all__ = ["NotebookResult", "Row", "run_notebook"]

SECONDS_A_CELL = 300
BY_HAND = "read by a person"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
    """One graded cell.

    Attributes
    ----------
    name : str
        Its id.
    points, possible : float
    remark : str
        The first line of its report that says what is wrong, or that a person reads it.
    """

    name: str
    points: float
    possible: float
    remark: str = ""


@dataclass(frozen=True)
class NotebookResult:
    """What the checks of a notebook returned.

    Attributes
    ----------
    rows : tuple of Row
    error : str
        Why the notebook did not run to its end; empty when it did.
    notes : tuple of str
        What the grader will put back before it runs the notebook, so that its points may differ from these.
    """

    rows: tuple[Row, ...]
    error: str = ""
    notes: tuple[str, ...] = ()

    @property
    def points(self) -> float:
        """Sum over the rows."""
        return sum(row.points for row in self.rows)

    @property
    def possible(self) -> float:
        """Sum over the rows, proofs included."""
        return sum(row.possible for row in self.rows)

    @property
    def by_hand(self) -> float:
        """What of the possible points a person gives."""
        return sum(row.possible for row in self.rows if row.remark == BY_HAND)

    @property
    def untouched(self) -> bool:
        """Whether no function has been attempted, as in the notebook that was handed out."""
        checked = [row.remark for row in self.rows if row.remark != BY_HAND]
        return bool(checked) and all("not attempted" in remark.lower() for remark in checked)

    @property
    def total(self) -> str:
        """The points in words, those of proofs apart: nobody has read them yet."""
        more = f", and up to {self.by_hand:g} more from a person" if self.by_hand else ""
        return f"{self.points:g} of {self.possible - self.by_hand:g} points here{more}"


def run_notebook(path: Path, seconds: int = SECONDS_A_CELL) -> NotebookResult:
    """Run a notebook from top to bottom in a fresh kernel and collect its points. The file is left as it is.

    Parameters
    ----------
    path : Path
        A notebook of ``exercises/``.
    seconds : int
        Time limit of one cell.

    Returns
    -------
    result : NotebookResult

    Raises
    ------
    ValueError
        If the file is missing, is not a notebook, or has no graded cells.
    """
    notebook = read_notebook(path)
    notes = will_be_put_back(notebook)
    error = _execute(notebook, path, seconds)
    broken = broken_cells(notebook)
    about = ((cell.metadata.get("nbgrader", {}), cell) for cell in notebook.cells)
    graded = {known["grade_id"]: cell for known, cell in about if known.get("grade")}  # of copies the last one counts
    rows = tuple(_row(cell, broken) for cell in graded.values())
    if not rows:
        raise ValueError(f"{path} has no graded cells: is it a problem set of exercises/?")
    return NotebookResult(rows, error, tuple(notes))


def _execute(notebook: Any, path: Path, seconds: int) -> str:
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    client = NotebookClient(
        notebook,
        timeout=seconds,
        allow_errors=True,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],  # of its sockets and of missing history nobody here needs to know
        resources={"metadata": {"path": str(path.resolve().parent)}},
    )
    try:
        client.execute()
    except (CellTimeoutError, DeadKernelError) as error:
        return f"the notebook stopped early: {str(error).splitlines()[0]}"
    return ""


def _row(cell: Any, broken: list[str]) -> Row:
    about = cell.metadata["nbgrader"]
    possible = float(about.get("points", 0))
    if cell.cell_type != "code":
        return Row(about["grade_id"], 0.0, possible, BY_HAND)
    undefined = [output.evalue for output in cell.get("outputs", []) if output.get("ename") == "NameError"]
    if broken and undefined:
        return Row(about["grade_id"], 0.0, possible, f"✗ {' '.join(broken)} So {undefined[0]}.")
    text = "\n".join(_texts(cell))
    return Row(about["grade_id"], _points(cell), possible, _remark(text))


def _points(cell: Any) -> float:
    for output in cell.get("outputs", []):
        value = output.get("data", {}).get("text/plain", "") if output.output_type == "execute_result" else ""
        if re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", value.strip()):
            return float(value)
    return 0.0


def _texts(cell: Any) -> list[str]:
    kept = []
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            kept.append(f"✗ {output.ename}: {output.evalue}")
        data = output.get("data", {})
        kept.append(output.get("text", "") or data.get(CHECK, {}).get("text", "") or data.get("text/plain", ""))
    return kept


def _remark(text: str) -> str:
    """The likely misconception, else the first criterion that failed, else that nothing was attempted."""
    lines = [line.strip() for line in text.splitlines()]
    for start in ("→", "✗"):
        found = next((line for line in lines if line.startswith(start)), "")
        if found:
            return found
    return next((line for line in lines if "not attempted" in line.lower()), "")
