"""The table of mutants and alternatives, printed at the end of every run that tried them."""

import pytest

from .registry import COUNTS


def pytest_terminal_summary(terminalreporter):
    """Print how many mutants were refused with their message, and how many alternatives got full marks."""
    if not COUNTS:
        return
    write = terminalreporter.write_line
    terminalreporter.section("graded functions: wrong versions refused, right versions accepted")
    for key, count in sorted(COUNTS.items()):
        write(f"{key:32} {count.refused:3}/{count.mutants:3} {count.accepted:3}/{count.alternatives:3}")
    totals = [
        sum(getattr(c, name) for c in COUNTS.values()) for name in ("refused", "mutants", "accepted", "alternatives")
    ]
    write("{:32} {:3}/{:3} {:3}/{:3}".format("all", *totals))


@pytest.fixture(scope="session", autouse=True)
def trained_once():
    """Train the capstone's solution once, however often its notebook is run; the same code on the same data."""
    from wgan_course.check.observers import ps10

    train, kept = ps10._train, {}

    def remember(function, inputs):
        code = getattr(getattr(function, "__wrapped__", function), "__code__", None)
        if code is None or code.co_filename != "<cell>":
            return train(function, inputs)
        key = code.co_code, repr(code.co_consts), inputs["real"].tobytes()
        if key not in kept:
            kept[key] = train(function, inputs)
        return kept[key]

    ps10._train = remember
    yield
    ps10._train = train
