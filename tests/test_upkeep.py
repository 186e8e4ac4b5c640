"""What keeps the course in order elsewhere: workflows, hooks, containers, citation and changelog name what there is."""

import json
import re
import subprocess
import tomllib

import pytest
import yaml

import wgan_course

WORKFLOWS = ("tests", "book", "release", "newest")


def workflow(root, name):
    return yaml.safe_load((root / ".github" / "workflows" / f"{name}.yml").read_text())


def commands(tree):
    return [step["run"] for job in tree["jobs"].values() for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflows_call_targets_that_the_makefile_has(name, course_root):
    targets = set(re.findall(r"^([a-z-]+):", (course_root / "Makefile").read_text(), re.M))
    called = {
        word
        for command in commands(workflow(course_root, name))
        for words in re.findall(r"(?:^|\s)make ((?:-o \S+ )?[a-z -]+)$", command.split("#")[0].rstrip(), re.M)
        for word in re.sub(r"-o \S+ ", "", words).split()
    }
    assert called
    assert called <= targets


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflows_say_when_and_what_they_may(name, course_root):
    tree = workflow(course_root, name)
    assert tree[True]  # `on`, which YAML reads as a truth
    assert set(tree["permissions"]) == {"contents"}
    assert all("timeout-minutes" in job for job in tree["jobs"].values())


def test_every_supported_python_is_tested(course_root):
    project = tomllib.loads((course_root / "pyproject.toml").read_text())["project"]
    pythons = workflow(course_root, "tests")["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert pythons == ["3.11", "3.12", "3.13"]
    assert project["requires-python"] == f">={pythons[0]}"


def test_the_version_stands_in_one_place(course_root):
    settings = tomllib.loads((course_root / "pyproject.toml").read_text())
    assert settings["project"]["dynamic"] == ["version"]
    assert settings["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "wgan_course.__version__"}
    citation = yaml.safe_load((course_root / "CITATION.cff").read_text())
    assert str(citation["version"]) == wgan_course.__version__
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert f"\n## {wgan_course.__version__}\n" in (course_root / "CHANGELOG.md").read_text()


def test_hooks_run_programs_of_the_environment(course_root):
    (repository,) = yaml.safe_load((course_root / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    programs = {hook["entry"].split()[0] for hook in repository["hooks"]}
    assert [program for program in programs if not (course_root / program).is_file()] == []
    assert {"ruff", "ruff-format", "outputs", "exercises", "words"} == {hook["id"] for hook in repository["hooks"]}


def test_containers_follow_the_lock(course_root):
    text = (course_root / "Dockerfile").read_text()
    copied = [name for line in re.findall(r"^COPY (.*) \S+$", text, re.M) for name in line.split()]
    assert [name for name in copied if not (course_root / name).exists()] == []
    assert "requirements.lock" in copied
    assert "RUN sh tools/bootstrap.sh" in text
    settings = json.loads((course_root / ".devcontainer" / "devcontainer.json").read_text())
    assert settings["postCreateCommand"].endswith("make doctor")


def test_what_a_container_leaves_out_is_not_committed(course_root):
    listed = subprocess.run(["git", "ls-files"], cwd=course_root, capture_output=True, text=True, check=True).stdout
    left_out = (course_root / ".dockerignore").read_text().split()
    assert [name for name in listed.splitlines() for out in left_out if name.startswith(f"{out}/")] == []
