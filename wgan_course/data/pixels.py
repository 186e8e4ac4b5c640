"""Pixels as bytes and as numbers in [-1, 1], and changes of their size."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["RawImages", "downsample", "from_unit", "recolour", "resize", "to_unit"]

# Rec. 601, as Pillow and torchvision turn colour into grey.
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class RawImages:
    """What a reader hands on.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (n, c, s, s)
    labels : ndarray of int64, shape (n,)
    classes : tuple of str
    skipped : tuple of (str, str)
        Files that were left out, each with the reason.
    """

    pixels: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...] = ()


def to_unit(images: np.ndarray | Tensor) -> Tensor:
    """Turn bytes into levels in [-1, 1]: x / 127.5 - 1.

    Parameters
    ----------
    images : ndarray or Tensor of uint8, shape (n, s, s) or (n, c, s, s)

    Returns
    -------
    Tensor of float32, shape (n, c, s, s)

    Raises
    ------
    TypeError
        Another type than uint8.
    ValueError
        Another shape.
    """
    images = torch.as_tensor(images)
    if images.dtype != torch.uint8:
        raise TypeError(f"images must be of type uint8, got {images.dtype}; they may be scaled already")
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[1] not in (1, 3)):
        raise ValueError(f"images must have shape (n, s, s) or (n, 1 or 3, s, s), got {tuple(images.shape)}")
    images = images[:, None] if images.ndim == 3 else images
    return images.to(torch.float32).div_(127.5).sub_(1.0)


def from_unit(images: Tensor) -> Tensor:
    """Turn levels in [-1, 1] back into bytes, clipping what lies outside: the inverse of `to_unit`.

    Parameters
    ----------
    images : Tensor, shape (n, c, s, s)

    Returns
    -------
    Tensor of uint8, shape (n, s, s) for one channel, else (n, c, s, s)
    """
    _check_images(images)
    images = images[:, 0] if images.shape[1] == 1 else images
    return images.add(1.0).mul(127.5).round().clamp(0, 255).to(torch.uint8)


def _check_images(images: Tensor) -> None:
    if images.ndim != 4 or images.shape[-1] != images.shape[-2]:
        raise ValueError(f"images must have shape (n, channels, s, s), got {tuple(images.shape)}")


def resize(images: Tensor, size: int, border: bool = True) -> Tensor:
    """Change the size of square images, bilinearly, with an anti-aliasing filter when it goes down.

    Parameters
    ----------
    images : Tensor, shape (n, c, s, s)
        Levels in [-1, 1].
    size : int
        The new side, 4 or more.
    border : bool
        From 28 to 32, put two background pixels (-1) around instead, which changes no value.

    Returns
    -------
    Tensor, shape (n, c, size, size)

    Raises
    ------
    ValueError
        ``size`` is under 4.
    """
    _check_images(images)
    if size < 4:
        raise ValueError(f"size must be 4 or more, got {size}")
    if size == images.shape[-1]:
        return images
    if border and (images.shape[-1], size) == (28, 32):
        return functional.pad(images, (2, 2, 2, 2), value=-1.0)
    return functional.interpolate(images, size=(size, size), mode="bilinear", antialias=True)


def recolour(images: Tensor, channels: int) -> Tensor:
    """Turn grey images into colour ones, or colour into grey (0.299 R + 0.587 G + 0.114 B, as in Rec. 601).

    Parameters
    ----------
    images : Tensor, shape (n, c, s, s)
    channels : {1, 3}

    Returns
    -------
    Tensor, shape (n, channels, s, s)
    """
    if channels == images.shape[1]:
        return images
    if channels == 3:
        return images.repeat(1, 3, 1, 1)
    return torch.einsum("ncij,c->nij", images, images.new_tensor(LUMA))[:, None]


def downsample(images: Tensor, factor: int) -> Tensor:
    """Average blocks of pixels: how a low-resolution camera would see the images (chapter 11).

    Parameters
    ----------
    images : Tensor, shape (n, c, s, s)
    factor : int
        Side of a block; it divides s.

    Returns
    -------
    Tensor, shape (n, c, s / factor, s / factor)

    Raises
    ------
    ValueError
        ``factor`` is under 1 or does not divide the side.
    """
    _check_images(images)
    if factor < 1 or images.shape[-1] % factor:
        raise ValueError(f"factor must divide the side {images.shape[-1]}, got {factor}")
    return functional.avg_pool2d(images, factor)
