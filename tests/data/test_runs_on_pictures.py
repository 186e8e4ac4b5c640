"""Training runs on a reader's own pictures: ``wgan-course train --data PATH``."""

import numpy as np
import pytest
from PIL import Image

from wgan_course.training.runs import RunOptions, train_from_options

SMALL = {"batch": 4, "n_critic": 1, "width": 4, "latent": 2, "device": "cpu", "steps": 1}


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("WGAN_COURSE_DATA", str(tmp_path / "cache"))


def run(tmp_path, **options):
    return train_from_options(RunOptions(**SMALL, out=tmp_path / "run", **options), progress=False)


def paint(folder, count=6, size=(32, 32)):
    folder.mkdir(parents=True)
    for k in range(count):
        Image.new("RGB", size, (40 * k, 0, 255)).save(folder / f"{k}.png")


def shape(result):
    return tuple(result.trainer.sample(1).shape[1:])


def test_a_folder_of_classes(tmp_path):
    for name in ("cat", "dog", "eel"):
        paint(tmp_path / "set" / name)
    (tmp_path / "set" / "dog" / "bad.png").write_bytes(b"x")
    result = run(tmp_path, data=str(tmp_path / "set"), conditional=True, constraint="gp")
    assert shape(result) == (3, 32, 32)
    assert result.trainer.generator.classes == 3
    assert result.data == f"18 images, path {tmp_path / 'set'}, 1 left out"
    with Image.open(result.samples) as grid:
        assert grid.size == (2 + 3 * 34, 2 + 8 * 34)  # a column for each class


@pytest.mark.parametrize(
    ("size", "made"), [((16, 16), 28), ((30, 30), 32), ((32, 32), 32), ((40, 40), 64), ((100, 100), 64), ((90, 50), 32)]
)
def test_a_size_that_the_model_makes(tmp_path, size, made):
    paint(tmp_path / "set", size=size)
    assert shape(run(tmp_path, data=str(tmp_path / "set"))) == (3, made, made)


def test_a_size_that_is_asked_for(tmp_path):
    paint(tmp_path / "set")
    assert shape(run(tmp_path, data=str(tmp_path / "set"), size=28)) == (3, 28, 28)
    with pytest.raises(ValueError, match="size must be one of 28, 32, 64, got 30"):
        run(tmp_path, data=str(tmp_path / "set"), size=30)


def test_an_mlp_makes_any_size(tmp_path):
    paint(tmp_path / "set", size=(10, 10))
    assert shape(run(tmp_path, data=str(tmp_path / "set"), model="mlp")) == (3, 10, 10)


def test_one_class_has_no_labels(tmp_path):
    paint(tmp_path / "set" / "faces")
    with pytest.raises(ValueError, match=r"conditional: 6 images, path .*set has one class only, 'faces', and so no"):
        run(tmp_path, data=str(tmp_path / "set"), conditional=True)


def test_an_npz_file(tmp_path):
    np.savez(tmp_path / "own.npz", images=np.zeros((9, 28, 28), dtype=np.uint8), labels=np.arange(9) % 2)
    result = run(tmp_path, data=str(tmp_path / "own.npz"), conditional=True)
    assert shape(result) == (1, 28, 28)
    assert result.trainer.generator.classes == 2


def test_the_emoji(tmp_path):
    result = run(tmp_path, data="emoji", conditional=True)
    assert shape(result) == (3, 32, 32)
    assert result.trainer.generator.classes == 10
    assert result.data.startswith("3786 images, embedded ")


def test_a_resumed_run_finds_its_pictures_again(tmp_path):
    paint(tmp_path / "set")
    run(tmp_path, data=str(tmp_path / "set"))
    options = RunOptions(resume=tmp_path / "run", steps=2, device="cpu")
    assert train_from_options(options, progress=False).record["step"] == 2


def test_neither_a_name_nor_a_path(tmp_path):
    with pytest.raises(ValueError, match=r"eight-gaussians.* or a folder of pictures or an \.npz file; got '.*gone'"):
        run(tmp_path, data=str(tmp_path / "gone"))


@pytest.mark.parametrize("data", ["8-gaussians", "Two_Moons"])
def test_toys_by_their_other_names(tmp_path, data):
    assert shape(run(tmp_path, data=data)) == (2,)
