"""The two commands on machines that lack something: clear words, no half-made environment."""

import os
import subprocess

import pytest

OLD = '#!/bin/sh\ncase "$1" in --version) echo "Python 3.9.2" ;; *) exit 1 ;; esac\n'
NO_ENSUREPIP = '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1 ;; *) exit 0 ;; esac\n'


@pytest.fixture
def bootstrap(course_root, tmp_path):
    def run(python):
        fake = tmp_path / "python"
        fake.write_text(python)
        fake.chmod(0o755)
        ran = subprocess.run(
            ["sh", course_root / "tools" / "bootstrap.sh"],
            cwd=tmp_path,
            env=os.environ | {"PYTHON": str(fake)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 1
        assert not (tmp_path / ".venv").exists()
        return ran.stderr

    return run


def test_an_old_python_is_refused(bootstrap):
    said = bootstrap(OLD)
    assert "3.9.2" in said
    assert "apt-get install python3" in said


def test_a_python_without_ensurepip_is_refused(bootstrap):
    assert "apt-get install python3-venv" in bootstrap(NO_ENSUREPIP)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-uv.lock"])
def test_locks_have_hashes_and_no_addresses(course_root, name):
    lines = (course_root / name).read_text().splitlines()
    named = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert all("==" in line for line in named)
    assert sum("--hash=sha256:" in line for line in lines) >= len(named)
    assert not any("://" in line or "--index" in line or "--find-links" in line for line in lines)


def test_the_lock_is_for_every_system(course_root):
    text = (course_root / "requirements.lock").read_text()
    assert "sys_platform == 'win32'" in text
    assert "sys_platform == 'darwin'" in text
    assert "torch==2.15.0" in text


def test_ci_runs_both_test_commands_and_can_be_run(course_root):
    script = course_root / ".ci" / "run"
    text = script.read_text()
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in text
    assert text.endswith('make test-oldest || status=$?\nmake test || status=$?\nexit "$status"\n')
    for name in (".ci/run", "tools/test.sh", "tools/test_oldest.sh", "tools/bootstrap.sh"):
        subprocess.run(["bash", "-n", course_root / name], check=True)
