"""The doctor: each examination, on a machine that has what is looked for and on one that does not."""

import shutil
import subprocess
from types import SimpleNamespace

import pytest

from tools.book import assets
from wgan_cli import doctor


def test_this_machine_can_run_the_course(course_root):
    findings = list(doctor.examine(course_root))
    assert [finding.name for finding in findings if finding.state == "broken"] == []
    assert len({finding.name for finding in findings}) == len(findings) == len(doctor.EXAMINATIONS) + 1
    assert all(finding.detail for finding in findings)


def test_what_is_not_good_has_a_cure(monkeypatch, tmp_path, course_root):
    monkeypatch.chdir(course_root)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(assets, "find_npm", lambda: None)
    monkeypatch.setattr(doctor, "_version", lambda _: None)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**20))
    found = {finding.name: finding for finding in doctor.examine(tmp_path)}
    assert {name for name, one in found.items() if one.state == "broken"} == {"Packages", "Node", "Disk"}
    assert {"Sandbox", "Chromium"} <= {name for name, one in found.items() if one.state == "absent"}
    assert all(one.cure for one in found.values() if one.state != "good")


@pytest.mark.parametrize(
    ("version", "state"), [((3, 10), "broken"), ((3, 11), "good"), ((3, 13), "good"), ((4, 0), "good")]
)
def test_python_is_told(monkeypatch, version, state):
    monkeypatch.setattr(doctor.sys, "version_info", version)
    assert doctor.python().state == state


def test_a_sandbox_that_may_not_isolate_is_told(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: "bwrap")
    monkeypatch.setattr(
        subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=1, stderr="not permitted", stdout="")
    )
    found = doctor.sandbox()
    assert found.state == "absent"
    assert "not permitted" in found.detail
    assert "namespaces" in found.cure


def packages_without(missing, monkeypatch, folder):
    """What is found in a folder where these packages are not installed."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(doctor, "_version", lambda name: None if name in missing else "1")
    return doctor.packages()


def test_one_missing_package_is_enough(monkeypatch, course_root):
    found = packages_without({"nbgrader"}, monkeypatch, course_root)
    assert found.state == "broken"
    assert "nbgrader missing" in found.detail


def test_outside_of_the_course_the_library_is_enough(monkeypatch, tmp_path):
    found = packages_without({"nbgrader"}, monkeypatch, tmp_path)
    assert found.state == "absent"
    assert "the course's folder" in found.cure
    assert packages_without(doctor.PACKAGES, monkeypatch, tmp_path).state == "broken"


def test_a_package_that_nobody_has():
    assert doctor._version("no-such-package-anywhere") is None


def test_the_device_is_named():
    assert "CPU" in doctor.devices().detail
