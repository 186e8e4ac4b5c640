"""Make the colour set that the package ships: ``python -m wgan_course.data.make_emoji PACKAGE``.

PACKAGE is the unpacked npm package ``emoji-datasource-google`` (``npm pack emoji-datasource-google@16.0.0``): 3,786
pictures of Google's Noto Emoji, 64 by 64 pixels, Apache License 2.0. Each is put on white and halved, a pixel being the
mean of four; the label is the category that ``emoji.json`` gives.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from wgan_course.data import idx, images

__all__ = ["main", "make"]

VERSION = "16.0.0"
SIZE = 32
CATEGORIES = {
    "People & Body": "people",
    "Flags": "flags",
    "Objects": "objects",
    "Symbols": "symbols",
    "Travel & Places": "travel",
    "Smileys & Emotion": "smileys",
    "Animals & Nature": "animals",
    "Food & Drink": "food",
    "Activities": "activities",
    "Component": "components",
}


def _rows(package: Path) -> list[tuple[int, str, str, str]]:
    """Place in Unicode's order, code points, file and category of every emoji and of its skin tones."""
    table = json.loads((package / "emoji.json").read_text(encoding="utf-8"))
    rows = [
        (emoji["sort_order"], form["unified"], form["image"], CATEGORIES[emoji["category"]])
        for emoji in table
        for form in (emoji, *emoji.get("skin_variations", {}).values())
        if form["has_img_google"]
    ]
    return sorted(rows)


def _on_white(file: Path) -> np.ndarray:
    with Image.open(file) as picture:
        picture = picture.convert("RGBA")
    flat = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return np.asarray(flat.resize((SIZE, SIZE), Image.Resampling.BOX))


def make(package: str | Path, target: str | Path) -> dict:
    """Write the set, and beside it, with the suffix ``.json``, its provenance.

    Parameters
    ----------
    package : str or Path
        The unpacked npm package.
    target : str or Path
        The npz file.

    Returns
    -------
    dict
        The provenance.

    Raises
    ------
    ValueError
        Another version of the package.
    """
    package = Path(package)
    version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    if version != VERSION:
        raise ValueError(f"package must be emoji-datasource-google {VERSION}, got {version}")
    rows, classes = _rows(package), list(CATEGORIES.values())
    arrays = {
        "images": np.stack([_on_white(package / "img" / "google" / "64" / file) for _, _, file, _ in rows]),
        "labels": np.array([classes.index(category) for *_, category in rows], dtype=np.uint8),
        "classes": np.array(classes),
        "codes": np.array([code for _, code, _, _ in rows]),
    }
    np.savez_compressed(target, **arrays)
    record = _provenance(arrays)
    Path(target).with_suffix(".json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return record


def _provenance(arrays: dict[str, np.ndarray]) -> dict:
    counts = np.bincount(arrays["labels"], minlength=len(CATEGORIES)).tolist()
    return {
        "what": "Google's Noto Emoji on white, 32 by 32 pixels, labelled by category",
        "command": "python -m wgan_course.data.make_emoji PACKAGE",
        "drawn_from": f"npm package emoji-datasource-google {VERSION}, img/google/64",
        "counts": dict(zip(arrays["classes"].tolist(), counts, strict=True)),
        "array_md5": {name: idx.md5(array.tobytes()) for name, array in arrays.items()},
        "licence": "Apache-2.0, see noto_emoji_LICENSE.txt",
    }


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and make the set."""
    parser = argparse.ArgumentParser(prog="python -m wgan_course.data.make_emoji")
    parser.add_argument("package", help="the unpacked npm package emoji-datasource-google")
    parser.add_argument("--target", default=images.EMOJI_FILE, help="the npz file to write")
    arguments = parser.parse_args(argv)
    make(arguments.package, arguments.target)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
