"""Files in the idx format, written byte by byte."""

import struct


def encode(array):
    """Two zero bytes, the type (8: unsigned byte), the number of axes, each axis as big-endian integer, the values."""
    assert array.dtype == "uint8"
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()
