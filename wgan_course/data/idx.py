"""The idx file format: what MNIST and its relatives are stored in, plain or gzipped."""

import gzip
import hashlib
import math
import struct
import zlib
from pathlib import Path

import numpy as np

__all__ = ["BadFileError", "decode", "encode", "md5", "read", "read_bytes"]

UNSIGNED_BYTE = 0x08
GZIP_MAGIC = b"\x1f\x8b"


class BadFileError(ValueError):
    """A data file that can't be used; the message names the file, what is wrong with it and the cure."""


def md5(content):
    """Checksum of a file's uncompressed content.

    Parameters
    ----------
    content : bytes
        What ``read_bytes`` returned.

    Returns
    -------
    str
        32 hexadecimal digits.

    Notes
    -----
    The checksum of the ``.gz`` file itself is no use: gzip writes a time and a name into its header, so that two
    copies of the same images differ.
    """
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def read_bytes(path):
    """Read a file, unpacking it when it is gzipped (seen from its first two bytes, not from its name).

    Parameters
    ----------
    path : str or Path
        A plain or gzipped file.

    Returns
    -------
    bytes
        The uncompressed content.

    Raises
    ------
    FileNotFoundError
        No such file.
    BadFileError
        The gzip stream is truncated or damaged.
    """
    raw = Path(path).read_bytes()
    if not raw.startswith(GZIP_MAGIC):
        return raw
    try:
        return gzip.decompress(raw)
    except (EOFError, OSError, zlib.error) as error:
        raise BadFileError(
            f"{path}: the gzip stream is truncated or damaged ({error}); fetch the file again"
        ) from error


def _header(content):
    if len(content) < 4:
        raise BadFileError(f"only {len(content)} bytes, too short for an idx header")
    zeros, kind, ndim = struct.unpack(">HBB", content[:4])
    if zeros != 0 or kind != UNSIGNED_BYTE or not 1 <= ndim <= 4:
        raise BadFileError(f"not an idx file of unsigned bytes (it starts with {content[:4].hex()})")
    if len(content) < 4 + 4 * ndim:
        raise BadFileError("the idx header is truncated")
    return struct.unpack(f">{ndim}I", content[4 : 4 + 4 * ndim])


def decode(content):
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


def encode(array):
    """Turn an array into the bytes of an idx file: the inverse of `decode`.

    Parameters
    ----------
    array : ndarray of uint8, shape (n_1, ..., n_k) with k from 1 to 4

    Returns
    -------
    bytes

    Raises
    ------
    TypeError
        ``array`` is not of type uint8.
    """
    if array.dtype != np.uint8:
        raise TypeError(f"array must be of type uint8, got {array.dtype}; convert it first")
    header = struct.pack(">HBB", 0, UNSIGNED_BYTE, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


def read(path, expected_md5=None, cure="fetch the file again"):
    """Read an idx file and check it.

    Parameters
    ----------
    path : str or Path
        A plain or gzipped idx file.
    expected_md5 : str, optional
        Checksum of the uncompressed content; not compared when absent.
    cure : str
        What the reader should do when the file is bad; ends the error's message.

    Returns
    -------
    ndarray of uint8

    Raises
    ------
    FileNotFoundError
        No such file.
    BadFileError
        Truncated, damaged, in another format, or with another checksum.
    """
    try:
        content = read_bytes(path)
        found = md5(content)
        if expected_md5 is not None and found != expected_md5:
            raise BadFileError(f"the content's md5 is {found}, it should be {expected_md5}")
        return decode(content)
    except BadFileError as error:
        raise BadFileError(f"{path} is corrupt or truncated: {error}. Cure: {cure}.") from error
