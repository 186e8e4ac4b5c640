"""Reading what students hand in, whatever it is, and setting it on the trusted notebook.

Of a submission only three things are taken: the type, the text and the grading id of each cell. Everything that decides
about points comes from the released notebook (`Blueprint`): check cells, their order of points, metadata, the kernel.
Texts lose their markup (`harmless`), since they are read in the browser in which grades are given.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from .pictures import is_picture

MAX_BYTES = 128 * 2**20
MAX_CELLS = 2000
MAX_SOURCE = 2**20
MAX_ATTACHMENTS = 10 * 2**20
MAX_TEXTS = 8 * 2**20
MAX_RENDERED = 8_000
MAX_RENDERED_IN_ALL = 120_000
# Pictures that a browser shows and that hold no script, with how their files begin; SVG may hold one, and HEIC is shown
# by few.
PICTURE = re.compile(r"!\[([^\]\n\[]{0,200})\]\(\s{0,9}(?:<attachment:([^>\n]{0,300})>|attachment:([^)\n]{0,300}))\)")
KINDS = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}
TAG = re.compile(r"<(?=[A-Za-z/!?])")
ACTIVE = re.compile(r"\\+(?=(?:href|require|class|style|cssId|data)\b)")
# What makes a link or a picture of what stands before it, except to addresses that can do nothing.
LINK = re.compile(r"\](?=:|\((?!\s*(?:https?://|mailto:|attachment:)))", re.IGNORECASE)
# What fetches a picture from elsewhere as soon as the page is opened; those of the student's own lie in the notebook.
FETCHED = re.compile(r"!(?=\[)(?!\[[^\]\n\[]{0,200}\]\(attachment:)")
KERNELS_NAME = re.compile(r"\(\d+\.py, (line \d+)\)$")  # which the kernel gives to a cell, and which nobody knows
IN_LINE = r"in \1"
CHECK = re.compile(r"""^[^#\n]*\bcheck\(\s*["']([\w.]+)["']""", re.MULTILINE)


class UnreadableError(Exception):
    """A submission that cannot be read as a notebook; the message says why, and what the student can do."""


@dataclass(frozen=True)
class StudentCell:
    """What is taken of a submitted cell."""

    kind: str
    source: str
    grade_id: str = ""
    attachments: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Blueprint:
    """The released notebook, as the grader knows it."""

    name: str
    notebook: NotebookNode

    @classmethod
    def read(cls, path: str | Path) -> "Blueprint":
        """Read a released notebook."""
        return cls(Path(path).stem, nbformat.read(str(path), as_version=4))

    @property
    def cells(self) -> dict[str, NotebookNode]:
        """Cells that nbgrader knows, by grade id, in their order."""
        return {grade_id_of(cell): cell for cell in self.notebook.cells if grade_id_of(cell)}

    @property
    def seconds(self) -> float:
        """Processor time of the solution, as `wgan-course release --measure` found it; 0 where it has not been."""
        return float(self.notebook.metadata.get("wgan_course", {}).get("seconds", 0.0))

    @property
    def keys(self) -> dict[str, str]:
        """Graded function that each check cell checks, by grade id."""
        graded = {name: cell for name, cell in self.cells.items() if cell.metadata.nbgrader.get("grade")}
        found = {name: CHECK.search(cell.source) for name, cell in graded.items() if cell.cell_type == "code"}
        return {name: match.group(1) for name, match in found.items() if match}


def grade_id_of(cell: Any) -> str:
    """Grading id of a cell; empty where it has none."""
    settings = cell.get("metadata", {}).get("nbgrader", {})
    value = settings.get("grade_id", "") if isinstance(settings, Mapping) else ""
    return value if isinstance(value, str) else ""


def find_notebook(folder: str | Path, name: str) -> tuple[Path, list[str]]:
    """Notebook to grade in a submission's folder, and notes about it.

    Raises
    ------
    UnreadableError
        Where there is none, or where it cannot be told which one is meant.
    """
    wanted = Path(folder) / f"{name}.ipynb"
    if wanted.exists() or wanted.is_symlink():
        return wanted, []
    for pattern in ("*.ipynb", "*.ipynb.json", "*.ipynb.txt", "*/*.ipynb"):
        others = sorted(path for path in Path(folder).glob(pattern) if path.is_file() and not path.is_symlink())
        if len(others) == 1:
            called = others[0].relative_to(folder).as_posix()
            return others[0], [f"The notebook was called {called!r}; it was graded as {wanted.name}."]
        if others:
            break
    listed = ", ".join(repr(path.relative_to(folder).as_posix()) for path in others[:5]) or _what_is_there(Path(folder))
    raise UnreadableError(f"{wanted.name} is not in the submission; there is {listed}. Please hand it in by that name.")


def _what_is_there(folder: Path) -> str:
    """What a submission without a notebook holds instead, in words."""
    names = sorted(path.name + "/" * path.is_dir() for path in folder.iterdir())
    shown = ", ".join(repr(name) for name in names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"no notebook, only {shown}" if names else "nothing at all"


def read_cells(path: str | Path) -> list[StudentCell]:
    """Cells of a submitted notebook, of any version of the format.

    Raises
    ------
    UnreadableError
        Where the file is no notebook; the message says what it is.
    """
    return cells_of_bytes(_read_bytes(Path(path)), Path(path).name)


def cells_of_bytes(content: bytes, name: str) -> list[StudentCell]:
    """Cells of a notebook's content, as `read_cells` gives them; `name` is for the message of an UnreadableError."""
    raw = _raw_cells(_parse(content, name))
    if raw is None:
        raise UnreadableError(f"{name} has no list of cells, so it is no notebook. {_AGAIN}")
    if len(raw) > MAX_CELLS:
        raise UnreadableError(f"{name} has {len(raw)} cells; {MAX_CELLS} are the limit.")
    cells = student_cells(raw)
    if sum(len(cell.source) for cell in cells) > MAX_TEXTS:
        most = MAX_TEXTS // 2**20
        raise UnreadableError(f"{name} has more than {most} MiB of text. Please hand in your answers alone.")
    return cells


def student_cells(raw: Iterable[Any]) -> list[StudentCell]:
    """What is taken of raw cells; what is no cell is left out."""
    return [cell for cell in map(_student_cell, raw) if cell is not None]


_AGAIN = "Please open it in JupyterLab, save it, and hand it in again."


def _read_bytes(path: Path) -> bytes:
    if path.is_symlink():
        raise UnreadableError(f"{path.name} is a link to another place, not a file. Please hand in the file itself.")
    if not path.is_file():
        raise UnreadableError(f"{path.name} is no file (a folder has its name?). Please hand in the notebook itself.")
    if path.stat().st_size > MAX_BYTES:
        raise UnreadableError(f"{path.name} is larger than {MAX_BYTES // 2**20} MiB. Please clear its outputs.")
    content = path.read_bytes()
    if not content.strip():
        raise UnreadableError(f"{path.name} is empty: 0 bytes of notebook. Please hand it in again.")
    return content


def _parse(content: bytes, name: str) -> Any:
    try:
        return json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{name} is not text in UTF-8, so it is no notebook. {_AGAIN}") from error
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else getattr(error, "msg", str(error))
        raise UnreadableError(f"{name} is not JSON ({reason}), so it is no notebook. {_AGAIN}") from error


def _raw_cells(plain: Any) -> list[Any] | None:
    """Cells of format 4, or of the worksheets of formats 2 and 3."""
    if not isinstance(plain, dict):
        return None
    if isinstance(plain.get("cells"), list):
        return plain["cells"]
    sheets = plain.get("worksheets")
    if not isinstance(sheets, list):
        return None
    return [cell for sheet in sheets if isinstance(sheet, dict) for cell in sheet.get("cells") or []]


def _student_cell(raw: Any) -> StudentCell | None:
    if not isinstance(raw, dict):
        return None
    kind = raw.get("cell_type")
    kind = kind if isinstance(kind, str) and kind in KINDS else "markdown"
    metadata = raw.get("metadata")
    named = {"metadata": metadata if isinstance(metadata, dict) else {}}
    return StudentCell(kind, _text(raw.get("source", raw.get("input", ""))), grade_id_of(named), _attachments(raw))


def _text(value: Any) -> str:
    parts = value if isinstance(value, list) else [value]
    text = "".join(part for part in parts if isinstance(part, str))[:MAX_SOURCE]
    return text.encode("utf-8", "replace").decode()


def _attachments(raw: Mapping[str, Any]) -> dict[str, Any] | None:
    """Pictures that a student put into a text cell, such as a photograph of a proof."""
    found = raw.get("attachments")
    if not isinstance(found, dict):
        return None
    kept = {
        name: {kind: "".join(data.split()) for kind, data in bundle.items() if is_picture(kind, data, MAX_ATTACHMENTS)}
        for name, bundle in found.items()
        if isinstance(name, str) and isinstance(bundle, dict)
    }
    kept = {name: bundle for name, bundle in kept.items() if bundle}
    size = sum(len(data) for bundle in kept.values() for data in bundle.values())
    return kept if kept and size <= MAX_ATTACHMENTS else None


def rebuild(student: Iterable[StudentCell], blueprint: Blueprint) -> NotebookNode:
    """Released notebook with the student's answers in it: locked cells as released, missing ones put back.

    Of several cells with one grading id the last one counts, as in nbgrader; the others stay as plain cells. Cells of
    the student's own stay where they are.
    """
    student = list(student)
    last = {cell.grade_id: index for index, cell in enumerate(student) if cell.grade_id in blueprint.cells}
    known = blueprint.cells
    cells = [
        _trusted(cell, known[cell.grade_id]) if last.get(cell.grade_id) == index else _own(cell)
        for index, cell in enumerate(student)
    ]
    _put_back(cells, known)
    cells = list(_bounded(cells))
    metadata = {
        name: blueprint.notebook.metadata[name] for name in ("kernelspec",) if name in blueprint.notebook.metadata
    }
    return new_notebook(cells=cells, metadata=metadata)


def broken_cells(notebook: Any) -> list[str]:
    """Say which cells of a notebook that ran are no Python."""
    return [
        f"Cell {index + 1} has a {output.ename} ({KERNELS_NAME.sub(IN_LINE, output.evalue):.100})."
        for index, cell in enumerate(notebook.cells)
        for output in (cell.get("outputs") or [])
        if output.output_type == "error" and output.ename in ("SyntaxError", "IndentationError", "TabError")
    ]


def put_back_notes(student: Iterable[StudentCell], blueprint: Blueprint) -> list[str]:
    """Say which cells of the submission are not graded as they are: locked ones changed, cells gone or there twice."""
    sources: dict[str, list[str]] = {}
    for cell in student:
        if cell.grade_id in blueprint.cells:
            sources.setdefault(cell.grade_id, []).append(cell.source)
    fixed = [name for name, cell in blueprint.cells.items() if not cell.metadata.nbgrader.get("solution")]
    changed = [
        name for name in fixed if name in sources and not _alike(sources[name][-1], blueprint.cells[name].source)
    ]
    gone = [name for name in blueprint.cells if name not in sources]
    twice = [name for name, found in sources.items() if len(found) > 1]
    said = (
        ("Changed although locked, and put back as handed out", changed),
        ("Missing, and put back unanswered", gone),
        ("There more than once, and only the last one counts", twice),
    )
    return [f"{what}: cell {', '.join(map(repr, names))}." for what, names in said if names]


def _alike(one: str, other: str) -> bool:
    """Whether two texts differ in the ends of their lines at most."""
    return [line.rstrip() for line in one.strip().splitlines()] == [
        line.rstrip() for line in other.strip().splitlines()
    ]


def has_answers(student: Iterable[StudentCell], blueprint: Blueprint) -> bool:
    """Whether any cell of the submission belongs to this problem set."""
    return any(cell.grade_id in blueprint.cells for cell in student)


def harmless(text: str) -> str:
    """Text in which no tag begins, no picture is fetched, and only plain addresses are linked.

    Spaces do it, which formulas do not mind.
    """
    return FETCHED.sub("! ", LINK.sub("] ", TAG.sub("< ", ACTIVE.sub("", text))))


def _own(cell: StudentCell) -> NotebookNode:
    if cell.kind == "code":
        return new_code_cell(cell.source)
    if cell.kind == "raw":
        return new_raw_cell(harmless(cell.source))
    text, pictures = with_pictures(cell.source, cell.attachments or {})
    made = new_markdown_cell(harmless(text))
    if pictures:
        made["attachments"] = pictures
    return made


def with_pictures(text: str, attachments: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """A text whose pictures have plain names, and these pictures; where one is missing, words say so.

    nbconvert stops at a picture that it does not find, and a name with spaces is no address.
    """
    names: dict[str, str] = {}

    def show(match: re.Match[str]) -> str:
        called = (match[2] or match[3] or "").strip()
        known = next((name for name in attachments if called in (name, quote(name))), None)
        if known is None:
            return f"(a picture that cannot be shown: {called[:100]})"
        names.setdefault(known, f"picture-{len(names) + 1}")
        return f"![{match[1]}](attachment:{names[known]})"

    made = PICTURE.sub(show, text)
    kept = {new: attachments[old] for old, new in names.items()}
    # What is left of the word, such as in another form of a link, leads to nothing.
    return re.sub(r"attachment:(?!picture-\d+\))", "attachment ", made, flags=re.IGNORECASE), kept


def _bounded(cells: Iterable[NotebookNode]) -> Iterable[NotebookNode]:
    """Share a long text among several cells, and cut what is more: rendering takes the square of the length."""
    budget = MAX_RENDERED_IN_ALL
    for cell in cells:
        yield cell
        if cell.cell_type == "code" or cell.metadata.get("nbgrader", {}).get("locked"):
            continue
        text, left = cell.source[:budget], len(cell.source) - budget
        budget = max(0, budget - len(text))
        cell.source, *others = _pieces(text)
        if left > 0:
            others.append(f"({left} more characters are in the file that was handed in)")
        for piece in others:
            made = new_markdown_cell(piece)
            if cell.get("attachments"):
                made["attachments"] = cell.attachments
            yield made


def _pieces(text: str) -> list[str]:
    """Parts of a text, each short enough to be rendered, that end with a line where there is one."""
    made = []
    while len(text) > MAX_RENDERED:
        end = text.rfind("\n", MAX_RENDERED // 2, MAX_RENDERED) + 1 or MAX_RENDERED
        made.append(text[:end])
        text = text[end:]
    return [*made, text]


def _trusted(cell: StudentCell, released: NotebookNode) -> NotebookNode:
    """Cell with the released metadata; the student's text only where the cell is there to be answered."""
    answer = released.metadata.nbgrader.get("solution", False)
    made = _own(StudentCell(released.cell_type, cell.source, attachments=cell.attachments if answer else None))
    made.source = made.source if answer else released.source
    made.metadata.update(nbformat.from_dict(json.loads(json.dumps(released.metadata))))
    return made


def _put_back(cells: list[NotebookNode], known: Mapping[str, NotebookNode]) -> None:
    """Insert the released cells that are missing, each after the one that stood before it."""
    present = {grade_id_of(cell) for cell in cells}
    before = ""
    for name, released in known.items():
        if name not in present:
            where = next((i + 1 for i, cell in enumerate(cells) if before and grade_id_of(cell) == before), 0)
            cells.insert(where, _trusted(StudentCell(released.cell_type, released.source, name), released))
        before = name
