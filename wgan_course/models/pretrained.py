"""Generators that a GPU has trained, so that a page can show good samples without the wait."""

import json
from pathlib import Path

import torch

from wgan_course.models import dcgan

__all__ = ["NAMES", "load", "provenance"]

ASSETS = Path(__file__).resolve().parent / "assets"
_SIZES = {
    "fashion-mnist": {"size": 28, "channels": 1, "classes": None},
    "fashion-mnist-conditional": {"size": 28, "channels": 1, "classes": 10},
    "emoji": {"size": 32, "channels": 3, "classes": 10},
}
NAMES = tuple(_SIZES)


def load(name: str) -> dcgan.Generator:
    """Return a trained DCGAN generator of width 64 and 64 latent numbers, in evaluation mode. Shown in chapter 10.

    Parameters
    ----------
    name : {"fashion-mnist", "fashion-mnist-conditional", "emoji"}

    Raises
    ------
    ValueError
        If there is no generator of that name.
    """
    from safetensors.torch import load_file

    network = dcgan.Generator(64, width=64, **_SIZES[_checked(name)], rng=torch.Generator().manual_seed(0))
    network.load_state_dict({key: value.to(torch.float32) for key, value in load_file(_file(name)).items()})
    return network.eval()


def provenance(name: str) -> dict[str, str]:
    """Say what a generator was trained on, by what and when."""
    from safetensors import safe_open

    with safe_open(_file(_checked(name)), "pt") as stored:
        return json.loads(stored.metadata()["provenance"])


def _checked(name: str) -> str:
    if name not in NAMES:
        raise ValueError(f"name must be one of {', '.join(NAMES)}, got {name!r}")
    return name


def _file(name: str) -> Path:
    return ASSETS / f"{name.replace('-', '_')}.safetensors"
