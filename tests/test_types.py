"""Types: pyright finds a fault that is put beside the packages, by way of them, and none in them."""

import subprocess
import sys
import tomllib

import pytest


@pytest.mark.slow
def test_pyright_finds_the_fault_that_is_put_there_and_no_other(course_root, tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text("from wgan_cli import extras_of\n\nfirst: int = extras_of('torch')[0]\n")
    looked_at = tomllib.loads((course_root / "pyproject.toml").read_text())["tool"]["pyright"]["include"]
    command = [sys.executable, "-m", "tools.pyright", *looked_at, str(wrong)]
    ran = subprocess.run(command, cwd=course_root, capture_output=True, text=True, check=False)
    assert ran.returncode == 1, ran.stderr
    assert '"str" is not assignable to "int"' in ran.stdout
    assert ran.stdout.splitlines()[-1].startswith("1 error"), ran.stdout[-6000:]
