"""What JupyterLab's assignment list says to a student of this course.

An exchange is a folder of nbgrader's that all students of a server share. Few courses have one: where there is none,
nothing is listed, and who hands in by it is told how to.
"""

from pathlib import Path
from typing import Any

from nbgrader.exchange.default import ExchangeList, ExchangeSubmit

__all__ = ["ListAssignments", "SubmitAssignment"]

HOW = "This course has no exchange folder ({root}). Please run `wgan-course submit NOTEBOOK`, and upload the zip."


class ListAssignments(ExchangeList):
    """The exchange's list, which is empty where there is no exchange."""

    def start(self) -> list[dict[str, Any]]:
        """List what is there."""
        return super().start() if Path(self.root).is_dir() else []


class SubmitAssignment(ExchangeSubmit):
    """Handing in by the exchange."""

    def ensure_root(self) -> None:
        """Say how to hand in where there is no exchange."""
        if not Path(self.root).is_dir():
            self.fail(HOW.format(root=self.root))
        super().ensure_root()
