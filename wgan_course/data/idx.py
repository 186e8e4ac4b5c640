"""The idx file format: what MNIST and its relatives are stored in, plain or gzipped."""

import gzip
import hashlib
import math
import struct
import zlib
from pathlib import Path

import numpy as np

__all__ = ["BadFileError", "decode", "md5", "read"]

UNSIGNED_BYTE = 0x08
GZIP_MAGIC = b"\x1f\x8b"


class BadFileError(ValueError):
    """A data file that can't be used; the message names the file, what is wrong with it and the cure."""


def md5(content: bytes) -> str:
    """Checksum of a file's uncompressed content (gzip writes a time and a name into the header of its own).

    Parameters
    ----------
    content : bytes

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _read_bytes(path: str | Path) -> bytes:
    """Read a file, unpacking it when its first two bytes say that it is gzipped."""
    raw = Path(path).read_bytes()
    if not raw.startswith(GZIP_MAGIC):
        return raw
    try:
        return gzip.decompress(raw)
    except (EOFError, OSError, zlib.error) as error:
        raise BadFileError(f"the gzip stream is truncated or damaged ({error})") from error


def _header(content: bytes) -> tuple[int, ...]:
    if len(content) < 4:
        raise BadFileError(f"only {len(content)} bytes, too short for an idx header")
    zeros, kind, ndim = struct.unpack(">HBB", content[:4])
    if zeros != 0 or kind != UNSIGNED_BYTE or not 1 <= ndim <= 4:
        raise BadFileError(f"not an idx file of unsigned bytes (it starts with {content[:4].hex()})")
    if len(content) < 4 + 4 * ndim:
        raise BadFileError("the idx header is truncated")
    return struct.unpack(f">{ndim}I", content[4 : 4 + 4 * ndim])


def decode(content: bytes) -> np.ndarray:
    """Turn the bytes of an idx file into an array.

    Parameters
    ----------
    content : bytes
        Two zero bytes, the type (8: unsigned byte), the number of axes, each axis as a big-endian 32-bit integer,
        then the values.

    Returns
    -------
    ndarray of uint8, shape given by the header

    Raises
    ------
    BadFileError
        Another format, another type, or a length that does not match the header.
    """
    shape = _header(content)
    body = content[4 + 4 * len(shape) :]
    if len(body) != math.prod(shape):
        raise BadFileError(f"the header announces {shape}, {math.prod(shape)} bytes, but {len(body)} follow")
    return np.frombuffer(body, dtype=np.uint8).reshape(shape).copy()


def read(path: str | Path, expected_md5: str | None = None, cure: str = "fetch the file again") -> np.ndarray:
    """Read an idx file, plain or gzipped, and check it.

    Parameters
    ----------
    path : str or Path
    expected_md5 : str, optional
        Checksum of the uncompressed content; not compared when absent.
    cure : str
        What the reader should do when the file is bad; ends the error's message.

    Returns
    -------
    ndarray of uint8

    Raises
    ------
    BadFileError
        Truncated, damaged, in another format, or with another checksum.
    """
    try:
        content = _read_bytes(path)
        found = md5(content)
        if expected_md5 is not None and found != expected_md5:
            raise BadFileError(f"the content's md5 is {found}, it should be {expected_md5}")
        return decode(content)
    except BadFileError as error:
        raise BadFileError(f"{path} is corrupt or truncated: {error}. Cure: {cure}.") from error
