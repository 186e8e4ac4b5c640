"""A submission's grades, written and read in one session of the gradebook each.

nbgrader's own preprocessors look up each cell, and commit each grade, by itself: a third of the writer's time.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor

__all__ = ["ReadGrades", "SaveGrades"]


class SaveGrades(NbGraderPreprocessor):
    """Writes the points that a judged notebook has earned, in the place of nbgrader's `SaveAutoGrades`."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Write all of them, or none."""
        with _submission(resources) as (book, _, grades, comments):
            for cell in nb.cells:
                name = cell.metadata.get("nbgrader", {}).get("grade_id")
                if utils.is_grade(cell):
                    grade = grades[name]
                    grade.auto_score = utils.determine_grade(cell, self.log)[0]
                    # What a person has graded is looked at again, and so is what only a person can.
                    grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None
                if utils.is_solution(cell) or utils.is_task(cell):
                    unchanged = cell.metadata.nbgrader.get("checksum") == utils.compute_checksum(cell)
                    comments[name].auto_comment = "No response." if unchanged and not utils.is_task(cell) else None
            book.db.commit()
        return nb, resources


class ReadGrades(NbGraderPreprocessor):
    """Brings points and comments into a notebook for its feedback, in the place of nbgrader's `GetGrades`."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Read them."""
        with _submission(resources) as (_, notebook, grades, comments):
            for cell in nb.cells:
                about = cell.metadata.get("nbgrader", {})
                if utils.is_solution(cell) or utils.is_task(cell):
                    about["comment"] = comments[about["grade_id"]].comment
                if utils.is_grade(cell) or utils.is_task(cell):
                    grade = grades[about["grade_id"]]
                    about["score"], about["points"] = grade.score, grade.max_score
            penalty = notebook.late_submission_penalty or 0
            resources["nbgrader"] |= {"score": notebook.score - penalty, "late_penalty": penalty}
            resources["nbgrader"]["max_score"] = notebook.max_score
        return nb, resources


@contextmanager
def _submission(
    resources: Mapping[str, Any],
) -> Iterator[tuple[Gradebook, Any, dict[str, Any], dict[str, Any]]]:
    """The gradebook, a submission's notebook in it, and its grades and comments by grade id."""
    names = resources["nbgrader"]
    with Gradebook(names["db_url"]) as book:
        notebook = book.find_submission_notebook(names["notebook"], names["assignment"], names["student"])
        grades = {grade.name: grade for grade in notebook.grades}
        yield book, notebook, grades, {comment.name: comment for comment in notebook.comments}
