"""The table of mutants and alternatives, printed at the end of every run that tried them."""

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
