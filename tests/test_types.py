"""Types: pyright finds nothing in the packages, and finds a fault where there is one."""

import subprocess
import sys

import pytest


def pyright(root, *paths):
    command = [sys.executable, "-m", "tools.pyright", *map(str, paths)]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_pyright_finds_nothing(course_root):
    ran = pyright(course_root)
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr
    assert ran.stdout.splitlines()[-1].startswith("0 errors")


@pytest.mark.slow
def test_a_wrong_type_is_found_by_way_of_the_package(course_root, tmp_path):
    file = tmp_path / "wrong.py"
    file.write_text("from wgan_cli import extras_of\n\nfirst: int = extras_of('torch')[0]\n")
    ran = pyright(course_root, file)
    assert ran.returncode == 1
    assert '"str" is not assignable to "int"' in ran.stdout
