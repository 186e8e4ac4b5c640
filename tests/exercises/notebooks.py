"""Reading the problem sets' notebooks, and running them in this process."""

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


def problem_sets() -> list[str]:
    """Names of all problem sets that have a source."""
    return sorted(path.name for path in (ROOT / "solutions").iterdir() if (path / f"{path.name}.ipynb").is_file())


def read(folder: str, name: str, root: Path = ROOT) -> list[dict[str, Any]]:
    """Cells of a problem set, from `solutions` or `exercises`."""
    return json.loads((root / folder / name / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]


def source(cell: Mapping[str, Any]) -> str:
    """Text of a cell."""
    return "".join(cell["source"])


def settings(cell: Mapping[str, Any]) -> dict[str, Any]:
    """What nbgrader knows of a cell."""
    return cell["metadata"].get("nbgrader", {})


def checks(name: str) -> dict[str, float]:
    """Keys that the check cells of a problem set call, with the points of their cells."""
    graded = [cell for cell in read("solutions", name) if settings(cell).get("grade") and cell["cell_type"] == "code"]
    return {ast.literal_eval(_call(cell).args[0]): settings(cell)["points"] for cell in graded}


def filled(name: str, still_open: set[str]) -> list[str]:
    """Code of a problem set as a student has it who solved everything but the cells with these grade ids."""
    pairs = zip(read("solutions", name), read("exercises", name), strict=True)
    code = [(solution, stub) for solution, stub in pairs if solution["cell_type"] == "code"]
    return [source(stub if settings(solution)["grade_id"] in still_open else solution) for solution, stub in code]


def run(cells: list[str]) -> dict[str, float]:
    """Run the cells from top to bottom in one namespace; the points that each check cell's last line returned."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    points = {}
    for text in cells:
        tree = ast.parse(text)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "<cell>", "exec"), namespace)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), namespace)
            if text.startswith("check("):
                points[ast.literal_eval(last.value.args[0])] = value
    return points


def _call(cell: Mapping[str, Any]) -> ast.Call:
    return ast.parse(source(cell)).body[-1].value
