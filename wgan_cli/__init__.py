"""The one command, ``wgan-course``: a thin layer over the library, the grader and the book's builder."""

import sys

__all__ = ["main"]

EXTRAS = "pip install 'wgan-course[cli]'"


def main() -> None:
    """Run the command line, or say what it needs where only the library is installed."""
    try:
        from wgan_cli.app import main as run
    except ModuleNotFoundError as error:
        if error.name not in {"typer", "rich"}:
            raise
        sys.exit(f"wgan-course needs {error.name}, which is not installed: {EXTRAS}")
    run()
