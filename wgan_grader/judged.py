"""A judged submission as data, and the preprocessors of nbgrader's autograde that bring it in.

`Judge` runs and judges, in the place of nbgrader's own `Execute`; `TakeJudged` takes what `wgan-course grade` has
judged before. Nothing here imports torch: the process that writes the gradebook stays small.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Float, Int, Unicode

from . import sandbox
from .execution import Settings
from .submission import Blueprint, rebuild, student_cells

__all__ = ["Judge", "Judged", "TakeJudged", "student_token"]


@dataclass(frozen=True)
class Judged:
    """A submission with its verdicts.

    Parameters
    ----------
    notebook : NotebookNode
        The released notebook with the student's answers, the outputs, and a verdict in each check cell.
    notes : tuple of str
        What the student should know about how it was graded.
    diagnosis : str
        Why nothing could be graded; empty where it could.
    points : dict
        Points by graded function.
    seconds : float
        How long it took.
    findings : dict
        Verdict of each graded function, as plain data.
    timed_out : bool
        Whether anything ended because its time was over.
    processor : float
        Seconds of processor time that its cells took.
    """

    notebook: NotebookNode
    notes: tuple[str, ...] = ()
    diagnosis: str = ""
    points: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    findings: Mapping[str, Any] = field(default_factory=dict)
    timed_out: bool = False
    processor: float = 0.0

    def to_json(self) -> str:
        """Text to be kept; a lone half of a character, as an error's message may have, could be written to no page."""
        return json.dumps(asdict(self), ensure_ascii=False).encode("utf-8", "replace").decode()

    @classmethod
    def from_json(cls, text: str) -> "Judged":
        """Take back what `to_json` gave."""
        plain = json.loads(text)
        notebook, notes = nbformat.from_dict(plain.pop("notebook")), tuple(plain.pop("notes"))
        return cls(notebook, notes, **plain)


class Judge(NbGraderPreprocessor):
    """nbgrader preprocessor that runs a submission in the sandbox and judges it, in the place of `Execute`."""

    cell_timeout = Int(60, help="seconds for a cell").tag(config=True)
    provisioner = Unicode("wgan-bubblewrap", help="wgan-bubblewrap or wgan-container").tag(config=True)
    multiple = Float(10.0, help="processor time of a submission, in those of the solution").tag(config=True)
    no_sandbox = Bool(False, help="run submissions with all your rights; never for real submissions").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Run and judge the notebook that nbgrader has sanitised."""
        names = resources["nbgrader"]
        course = CourseDirectory(config=self.config)
        released = course.format_path(course.release_directory, ".", names["assignment"])
        blueprint = Blueprint.read(Path(released) / f"{names['notebook']}.ipynb")
        folder = Path(course.format_path(course.submitted_directory, names["student"], names["assignment"]))
        sandbox.require_unseen(Path(course.root))
        if not self.no_sandbox:
            sandbox.require_same_package()
        judged = _judge(rebuild(student_cells(nb.cells), blueprint), folder, blueprint, self.settings())
        return judged.notebook, resources

    def settings(self) -> Settings:
        """Settings that the configuration asks for."""
        provisioner = "local-provisioner" if self.no_sandbox else self.provisioner
        return Settings(cell_timeout=self.cell_timeout, provisioner=provisioner, multiple=self.multiple)


def _judge(*given: Any) -> Judged:
    from .judge import judge_notebook  # it imports torch, which the one who writes has no use for

    return judge_notebook(*given)


class TakeJudged(NbGraderPreprocessor):
    """nbgrader preprocessor that takes the notebooks that `wgan-course grade` has judged."""

    folder = Unicode("", help="where the judged notebooks are: one JSON file a student").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Put the judged notebook in the place of the sanitised one."""
        path = Path(self.folder) / f"{student_token(resources['nbgrader']['student'])}.json"
        return Judged.from_json(path.read_text(encoding="utf-8")).notebook, resources


def student_token(student: str) -> str:
    """File name for a student, whatever characters the name has."""
    return hashlib.sha256(student.encode("utf-8", "surrogatepass")).hexdigest()[:32]
