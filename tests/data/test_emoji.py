"""The colour set that ships: what it holds, where it is from, and that it can be made again."""

import hashlib
import json

import numpy as np
import pytest
import torch
from PIL import Image

from wgan_course.data import idx, images, make_emoji

COUNTS = {
    "people": 2261,
    "flags": 270,
    "objects": 264,
    "symbols": 224,
    "travel": 218,
    "smileys": 169,
    "animals": 159,
    "food": 131,
    "activities": 85,
    "components": 5,
}


@pytest.fixture(scope="module")
def data():
    return images.emoji()


def test_counts_and_range(data):
    assert data.images.shape == (3786, 3, 32, 32)
    assert data.images.dtype == torch.float32
    assert dict(zip(data.classes, data.labels.bincount().tolist(), strict=True)) == COUNTS
    assert (data.images.min().item(), data.images.max().item()) == (-1.0, 1.0)
    assert (data.source, data.origin) == ("embedded", str(images.EMOJI_FILE))


def test_the_background_is_white(data):
    faces = data.of_class("smileys").images
    corners = faces[:, :, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners == 1).all(dim=(1, 2)).float().mean() > 0.9


def test_a_known_flag_has_its_colours():
    with np.load(images.EMOJI_FILE) as archive:
        france = archive["images"][archive["codes"].tolist().index("1F1EB-1F1F7")]
    left, middle, right = (france[12:20, column].mean(0) for column in (5, 16, 26))
    assert left.argmax() == 2
    assert middle.min() > 200
    assert right.argmax() == 0


def test_content_is_the_one_in_the_code():
    record = json.loads(images.EMOJI_FILE.with_suffix(".json").read_text())
    with np.load(images.EMOJI_FILE) as archive:
        found = {name: hashlib.md5(archive[name].tobytes()).hexdigest() for name in archive.files}
    assert found == record["array_md5"] == images.EMOJI_MD5
    assert record["counts"] == COUNTS


def test_size_and_licence():
    assert images.EMOJI_FILE.stat().st_size < 4.2e6
    notice = (images.ASSETS / "noto_emoji_LICENSE.txt").read_text()
    assert "Version 2.0, January 2004" in notice
    assert "END OF TERMS AND CONDITIONS" in notice
    assert "CHANGED" in notice  # section 4 b of the licence


def test_by_name_other_sizes_and_grey(data):
    assert torch.equal(images.load("emoji").images, data.images)
    assert images.emoji(28).images.shape == (3786, 3, 28, 28)
    assert images.emoji(channels=1).images.shape == (3786, 1, 32, 32)


def test_there_is_no_test_split():
    with pytest.raises(ValueError, match="the emoji are all for training"):
        images.load("emoji", "test")


def test_other_content_is_refused(tmp_path, monkeypatch):
    with np.load(images.EMOJI_FILE) as archive:
        held = dict(archive)
    held["images"] = held["images"].copy()
    held["images"][7, 3, 3, 0] ^= 1
    np.savez(tmp_path / "other.npz", **held)
    monkeypatch.setattr(images, "EMOJI_FILE", tmp_path / "other.npz")
    with pytest.raises(idx.BadFileError, match=r"other\.npz holds other arrays than it should.*Cure: install"):
        images.emoji()
    monkeypatch.setattr(images, "EMOJI_FILE", tmp_path / "gone.npz")
    with pytest.raises(FileNotFoundError, match=r"gone\.npz is missing\. Cure: install"):
        images.emoji()


# --- making it -------------------------------------------------------------------------------------------------------


@pytest.fixture
def package(tmp_path):
    """A small npm package of the same form: a transparent picture, a half transparent one, a skin tone, one missing."""
    pictures = tmp_path / "img" / "google" / "64"
    pictures.mkdir(parents=True)
    for name, colour in {"a": (255, 0, 0, 0), "b": (0, 0, 255, 51), "b1": (0, 255, 0, 255)}.items():
        Image.new("RGBA", (64, 64), colour).save(pictures / f"{name}.png")
    tone = {"unified": "B1", "image": "b1.png", "has_img_google": True}
    table = [
        {"sort_order": 2, "unified": "A", "image": "a.png", "category": "Flags", "has_img_google": True},
        {"sort_order": 1, "unified": "B", "image": "b.png", "category": "People & Body", "has_img_google": True}
        | {"skin_variations": {"X": tone}},
        {"sort_order": 0, "unified": "C", "image": "c.png", "category": "Flags", "has_img_google": False},
    ]
    (tmp_path / "emoji.json").write_text(json.dumps(table))
    (tmp_path / "package.json").write_text(json.dumps({"version": make_emoji.VERSION}))
    return tmp_path


def test_made_by_hand(package):
    assert make_emoji.main([str(package), "--target", str(package / "made.npz")]) == 0
    with np.load(package / "made.npz") as made:
        assert made["codes"].tolist() == ["B", "B1", "A"]
        assert made["classes"][made["labels"]].tolist() == ["people", "people", "flags"]
        assert made["images"].shape == (3, 32, 32, 3)
        assert made["images"][:, 5, 5].tolist() == [[204, 204, 255], [0, 255, 0], [255, 255, 255]]


def test_made_twice_the_bytes_are_the_same(package):
    for name in ("one", "two"):
        make_emoji.make(package, package / f"{name}.npz")
    assert (package / "one.npz").read_bytes() == (package / "two.npz").read_bytes()
    assert (package / "one.json").read_bytes() == (package / "two.json").read_bytes()


def test_another_version_is_refused(package):
    (package / "package.json").write_text(json.dumps({"version": "17.0.0"}))
    with pytest.raises(ValueError, match=r"must be emoji-datasource-google 16\.0\.0, got 17\.0\.0"):
        make_emoji.make(package, package / "made.npz")
