"""The idx format, against files written byte by byte."""

import gzip
import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.data.idx_files import encode
from wgan_course.data import idx

CONTENT = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3]) + bytes([1, 2, 3, 250, 251, 252])


def test_decode_by_hand():
    array = idx.decode(CONTENT)
    assert array.dtype == np.uint8
    assert array.tolist() == [[1, 2, 3], [250, 251, 252]]


def test_decoded_array_can_be_written_to():
    array = idx.decode(CONTENT)
    array[0, 0] = 9
    assert array[0, 0] == 9


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5)))
def test_encode_then_decode(array):
    assert np.array_equal(idx.decode(encode(array)), array)
    assert idx.decode(encode(array)).shape == array.shape


def test_plain_and_gzipped_files_read_alike(tmp_path):
    (tmp_path / "plain.gz").write_bytes(CONTENT)
    (tmp_path / "packed").write_bytes(gzip.compress(CONTENT))
    assert np.array_equal(idx.read(tmp_path / "plain.gz"), idx.read(tmp_path / "packed"))


def test_md5_is_of_the_content():
    assert idx.md5(b"abc") == "900150983cd24fb0d6963f7d28e17f72"


def test_matching_checksum_passes_and_another_is_refused(tmp_path):
    file = tmp_path / "images"
    file.write_bytes(CONTENT)
    good = hashlib.md5(CONTENT).hexdigest()
    assert idx.read(file, good).shape == (2, 3)
    with pytest.raises(
        idx.BadFileError, match=rf"images is corrupt.* md5 is {good}, it should be {'0' * 32}.*Cure: ask"
    ):
        idx.read(file, "0" * 32, cure="ask")


@pytest.mark.parametrize("keep", range(len(CONTENT)))
def test_every_truncation_is_refused(tmp_path, keep):
    file = tmp_path / "cut"
    file.write_bytes(CONTENT[:keep])
    with pytest.raises(idx.BadFileError, match=r"cut is corrupt or truncated: .*Cure: fetch"):
        idx.read(file)


@pytest.mark.parametrize("keep", [3, 12, 20])
def test_truncated_gzip_is_refused(tmp_path, keep):
    file = tmp_path / "cut.gz"
    file.write_bytes(gzip.compress(CONTENT)[:keep])
    with pytest.raises(idx.BadFileError, match=r"cut\.gz is corrupt"):
        idx.read(file)


def test_flipped_bit_in_gzip_is_refused(tmp_path):
    file = tmp_path / "flipped.gz"
    packed = bytearray(gzip.compress(CONTENT * 50))
    packed[-6] ^= 1
    file.write_bytes(bytes(packed))
    with pytest.raises(idx.BadFileError, match=r"flipped\.gz is corrupt"):
        idx.read(file)


@pytest.mark.parametrize("change", [(0, 1), (2, 13), (3, 0), (3, 9)])
def test_other_formats_are_refused(change):
    content = bytearray(CONTENT)
    content[change[0]] = change[1]
    with pytest.raises(idx.BadFileError, match="not an idx file"):
        idx.decode(bytes(content))


@given(st.binary(max_size=40))
def test_garbage_raises_nothing_else(content):
    try:
        array = idx.decode(content)
    except idx.BadFileError:
        return
    assert encode(array) == content


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        idx.read(tmp_path / "nothing")
