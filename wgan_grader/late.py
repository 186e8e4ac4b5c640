"""What handing in late costs: nothing, everything, or a share of the score for each day begun."""

import json
import math
from pathlib import Path
from typing import Any

from nbgrader.plugins import LateSubmissionPlugin
from traitlets import Unicode

from wgan_course._files import atomic_write

__all__ = ["LatePenalty", "read_rule", "write_rule"]

FILE = "late.json"


class LatePenalty(LateSubmissionPlugin):
    """nbgrader's plugin for late penalties, with the rule that ``wgan-course late`` has written."""

    folder = Unicode("grading", help="folder of the rule's file").tag(config=True)

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float | None:
        """Points to take off."""
        share = read_rule(self.folder)
        return None if share == 0 else min(score, score * share * math.ceil(total_seconds_late / 86400))


def write_rule(folder: str | Path, share: float) -> Path:
    """Set which share of the score a day late costs, from 0 to 1.

    Raises
    ------
    ValueError
        Where it is no such share.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"a day late can cost from 0 to 100 % of the score, got {100 * share:g} %")
    return atomic_write(Path(folder) / FILE, json.dumps({"share of the score for each day begun": share}).encode())


def read_rule(folder: str | Path) -> float:
    """The share that a day late costs; 0 where no rule was written."""
    path = Path(folder) / FILE
    if not path.is_file():
        return 0.0
    plain: Any = json.loads(path.read_text())
    return float(plain["share of the score for each day begun"])
