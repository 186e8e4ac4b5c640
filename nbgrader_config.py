"""Settings for plain nbgrader commands; `wgan-course release` and `wgan-course grade` read them too."""

from pathlib import Path

from nbgrader import preprocessors as steps
from nbgrader.converters import GenerateAssignment, GenerateFeedback

from wgan_grader.handmarking import BringMathJax, MarkingScheme, find_templates, mathjax_source
from wgan_grader.judged import Judge
from wgan_grader.lab import ListAssignments, SubmitAssignment
from wgan_grader.late import LatePenalty
from wgan_grader.programs import find_programs
from wgan_grader.released import NameCells

find_programs()
find_templates()
c = get_config()  # noqa: F821 - nbgrader defines it

c.CourseDirectory.course_id = "wgan_course"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"

# A released notebook says which problem set it is, so that `wgan-course submit` and `collect` know a renamed one.
c.GenerateAssignment.preprocessors = [*GenerateAssignment.preprocessors.default_args[0], NameCells]

c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("this exercise is still open")'}
c.ClearSolutions.text_stub = "*Write your proof here.*"

# A submission runs in the sandbox and is judged outside of it. nbgrader's own Execute would run it with your rights.
c.Autograde.autograde_preprocessors = [
    Judge,
    steps.LimitOutput,
    steps.SaveAutoGrades,
    steps.AssignLatePenalties,
    steps.CheckCellMetadata,
]
c.OverwriteCells.add_missing_cells = True

# Who marks a proof sees the scheme beside the answer; formulas are set without a network, here and in feedback.
c.HTMLExporter.preprocessors = [MarkingScheme]
c.HTMLExporter.exclude_anchor_links = True  # the formgrader finds its boxes by ids, which headings would take
c.HTMLExporter.filters = {"mathjax_source": mathjax_source}
c.GenerateFeedback.preprocessors = [*GenerateFeedback.preprocessors.default_args[0], BringMathJax]

# JupyterLab's assignment list is empty where the course has no exchange. To have one, make its folder for everybody
# (`nbgrader release_assignment` fills it), and name it here or in /etc/jupyter/nbgrader_config.py:
# c.Exchange.root = "/srv/nbgrader/exchange"
c.ExchangeFactory.list = ListAssignments
c.ExchangeFactory.submit = SubmitAssignment

# What a day late costs: `wgan-course late`.
c.AssignLatePenalties.plugin_class = LatePenalty
c.LatePenalty.folder = str(Path(__file__).resolve().parent / "grading")

# Plain `nbgrader zip_collect` takes the names that Canvas and Moodle give; `wgan-course collect` knows more platforms,
# and matches by the class list.
c.FileNameCollectorPlugin.named_regexp = (
    r"(?:.*/)?(?P<student_id>[^/_]+)_(?:LATE_)?\d+_(?:\d+_|assignsubmission_file_?/?)"
    r"(?P<file_id>ps\d\d_\w+?)(?:-\d+| ?\(\d+\))?\.ipynb$"
)
