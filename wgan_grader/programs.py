"""Programs that nbgrader calls by name, found also where the environment is not activated."""

import os
import sys
from pathlib import Path

__all__ = ["find_programs"]


def find_programs() -> None:
    """Put the folder of this Python's programs on the path, so that nbgrader finds alembic."""
    here = str(Path(sys.executable).parent)
    if here not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([here, os.environ.get("PATH", os.defpath)])
