"""Simple edits of Python code, one at a time: the slips that a table of cases must tell from a right answer."""

import ast
import copy
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

__all__ = ["Mutant", "chosen", "mutants"]

OPERATORS: dict[type, tuple[type, ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.MatMult: (ast.Mult,),
    ast.FloorDiv: (ast.Div,),
    ast.Mod: (ast.FloorDiv,),
    ast.BitAnd: (ast.BitOr,),
}
COMPARISONS: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
}
NAMES = {
    "mean": "sum", "sum": "mean", "prod": "sum", "max": "min", "min": "max", "amax": "amin", "amin": "amax",
    "minimum": "maximum", "maximum": "minimum", "any": "all", "all": "any", "ceil": "floor", "floor": "ceil",
    "clamp_min": "clamp_max", "clamp_max": "clamp_min", "sigmoid": "tanh", "relu": "abs", "abs": "relu",
    "square": "abs", "sort": "argsort", "argsort": "sort", "outer": "mul", "det": "trace",
}  # fmt: skip
KEPT_CALLS = {"len", "range", "super", "zip", "isinstance", "print", "tuple", "list", "parameters", "register_buffer"}
FORM, LIKE = {"shape", "dtype", "ndim", "dim", "numel"}, {"len", "torch.zeros_like", "torch.empty_like"}
GUARD = 1e-8
STEPS = ("clamp(-10, 10)", "clamp(min=1e-06)")  # of each use of an argument: scales that no case has


@dataclass(frozen=True)
class Mutant:
    """One edit: the line before and after, the part of it that was exchanged, and the whole source."""

    before: str
    after: str
    edit: str
    source: str

    @property
    def label(self) -> str:
        """Both lines in one."""
        return f"{self.before} → {self.after}"


def mutants(source: str, lines: range) -> Iterator[Mutant]:
    """Every mutant of `source` by one edit inside `lines`, each text once."""
    tree = ast.parse(source)
    parameters, form = _parameters(tree, lines), _about_form(tree)
    original, seen = ast.unparse(tree).splitlines(), {ast.unparse(tree)}
    for node in ast.walk(tree):
        if getattr(node, "lineno", 0) not in lines or isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        for edited in _edits(node, parameters, id(node) in form):
            text = _replaced(tree, node, edited)
            if text is not None and text not in seen:
                seen.add(text)
                yield Mutant(*_difference(original, text.splitlines()), _words(node, edited), text)


def _words(node: ast.AST, edited: ast.AST | list[ast.stmt]) -> str:
    """What is exchanged for what, in code."""
    parts = edited if isinstance(edited, list) else [edited]
    return f"{ast.unparse(node)} → {' ⏎ '.join(ast.unparse(ast.fix_missing_locations(part)) for part in parts)}"


def chosen(source: str, lines: range, limit: int, seed: str) -> list[Mutant]:
    """At most `limit` mutants, drawn by `seed` where there are more."""
    found = list(mutants(source, lines))
    return found if len(found) <= limit else random.Random(seed).sample(found, limit)


def _parameters(tree: ast.Module, lines: range) -> list[str]:
    """Arguments of the last function that begins before the lines."""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.lineno < lines.start]
    return [argument.arg for argument in functions[-1].args.args] if functions else []


def _replaced(tree: ast.Module, node: ast.AST, edited: ast.AST | list[ast.stmt]) -> str | None:
    """Text of the tree with one of its nodes exchanged; nothing where the result is no program."""
    parent, name, value = next(
        (parent, name, value)
        for parent in ast.walk(tree)
        for name, value in ast.iter_fields(parent)
        if value is node or (isinstance(value, list) and any(item is node for item in value))
    )
    changed = edited
    if isinstance(value, list):
        at = next(place for place, item in enumerate(value) if item is node)
        changed = [*value[:at], *(edited if isinstance(edited, list) else [edited]), *value[at + 1 :]]
    setattr(parent, name, changed)
    try:
        text = ast.unparse(ast.fix_missing_locations(tree))
        compile(text, "<mutant>", "exec")
    except (SyntaxError, ValueError, TypeError, AttributeError):
        return None
    finally:  # a copy of the tree for each edit took most of the time
        setattr(parent, name, value)
    return text


def _difference(before: list[str], after: list[str]) -> tuple[str, str]:
    """The lines that differ, without those that both begin and end with."""
    head = 0
    while head < min(len(before), len(after)) and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < min(len(before), len(after)) - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    ends = len(before) - tail, len(after) - tail
    old, new = before[head : ends[0]], after[head : ends[1]]
    return " ⏎ ".join(line.strip() for line in old), " ⏎ ".join(line.strip() for line in new)


def _about_form(tree: ast.AST) -> set[int]:
    """Names of which only the shape, the type or the length is asked."""
    asked = [node.value for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in FORM]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) in LIKE]
    return {id(node) for node in [*asked, *(call.args[0] for call in calls if call.args)]}


def _edits(node: ast.AST, parameters: list[str], asked: bool) -> Iterator[ast.AST | list[ast.stmt]]:
    for kind, edit in _BY_KIND.items():
        if isinstance(node, kind):
            yield from edit(node)
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in parameters:
        yield from (ast.Name(other, ast.Load()) for other in parameters if other != node.id)
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in parameters and not asked:
        yield from (ast.parse(f"{node.id}.{step}", mode="eval").body for step in STEPS)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    twin = copy.deepcopy(node)
    for name, value in fields.items():
        setattr(twin, name, value)
    return twin


def _operation(node: ast.BinOp) -> Iterator[ast.AST]:
    yield from (_with(node, op=other()) for other in OPERATORS.get(type(node.op), ()))
    yield node.left
    yield node.right
    if isinstance(node.op, ast.Sub | ast.Div | ast.MatMult):
        yield _with(node, left=node.right, right=node.left)
    if isinstance(node.op, ast.Div) and not isinstance(node.right, ast.Constant):
        yield _with(node, right=ast.BinOp(node.right, ast.Add(), ast.Constant(GUARD)))


def _comparison(node: ast.Compare) -> Iterator[ast.AST]:
    yield from (_with(node, ops=[other()]) for other in COMPARISONS.get(type(node.ops[0]), ()))
    for shift in (1e-6, -1e-6, 1e-3, -1e-3):
        yield _with(node, comparators=[ast.BinOp(node.comparators[0], ast.Add(), ast.Constant(shift))])


def _constant(node: ast.Constant) -> Iterator[ast.AST]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield from (ast.Constant(other) for other in (value + 1, value - 1))
    elif isinstance(value, float):
        yield from (ast.Constant(other) for other in (value + 1e-3, value * 1.1, 1.0 - value, -value))


def _unary(node: ast.UnaryOp) -> Iterator[ast.AST]:
    yield node.operand


def _call(node: ast.Call) -> Iterator[ast.AST]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in NAMES:
        field = "attr" if isinstance(node.func, ast.Attribute) else "id"
        yield _with(node, func=_with(node.func, **{field: NAMES[name]}))
    if name not in KEPT_CALLS:
        yield from _without_call(node)
    for place in range(len(node.keywords)):
        yield _with(node, keywords=node.keywords[:place] + node.keywords[place + 1 :])
    if len(node.args) >= 2 and name not in KEPT_CALLS:
        yield _with(node, args=[node.args[1], node.args[0], *node.args[2:]])
    if name == "range":
        last = node.args[-1]
        for operator in (ast.Add(), ast.Sub()):
            yield _with(node, args=[*node.args[:-1], ast.BinOp(last, operator, ast.Constant(1))])
    if name in ("log", "sqrt") and isinstance(node.func, ast.Attribute) and not node.args:
        yield _with(node, func=_with(node.func, value=ast.BinOp(node.func.value, ast.Add(), ast.Constant(GUARD))))


def _without_call(node: ast.Call) -> Iterator[ast.AST]:
    """The receiver of a method, or the first argument of a function."""
    if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
        yield node.func.value
    elif node.args:
        yield node.args[0]


def _is_module(node: ast.AST) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in ("torch", "math", "nn", "itertools", "constraints", "mlp", "dcgan")


def _index(node: ast.Subscript) -> Iterator[ast.AST]:
    if isinstance(node.ctx, ast.Load) and isinstance(node.slice, ast.Slice):
        yield node.value


def _slice(node: ast.Slice) -> Iterator[ast.AST]:
    for end in ("lower", "upper"):
        if getattr(node, end) is not None:
            yield _with(node, **{end: None})


def _choice(node: ast.IfExp) -> Iterator[ast.AST]:
    yield node.body
    yield node.orelse


def _condition(node: ast.If) -> Iterator[ast.AST]:
    yield _with(node, test=ast.Constant(True))
    yield _with(node, test=ast.Constant(False))


def _block(node: ast.With) -> Iterator[list[ast.stmt]]:
    yield node.body


def _statement(node: ast.stmt) -> Iterator[ast.AST]:
    yield ast.Pass()


def _tuple(node: ast.Tuple) -> Iterator[ast.AST]:
    if isinstance(node.ctx, ast.Load) and len(node.elts) == 2 and not any(isinstance(e, ast.Slice) for e in node.elts):
        yield _with(node, elts=node.elts[::-1])


_BY_KIND: dict[type | tuple[type, ...], Callable] = {
    ast.BinOp: _operation,
    ast.Compare: _comparison,
    ast.Constant: _constant,
    ast.UnaryOp: _unary,
    ast.Call: _call,
    ast.Subscript: _index,
    ast.Slice: _slice,
    ast.IfExp: _choice,
    ast.If: _condition,
    ast.With: _block,
    (ast.Assign, ast.AugAssign, ast.Expr): _statement,
    ast.Tuple: _tuple,
}
