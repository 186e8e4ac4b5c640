"""What passes between sandbox and judge: there and back, and everything that must be refused on the way."""

import json
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import save

from wgan_course.check import exchange
from wgan_course.check.exchange import ExchangeError, Observation, Request, Sample

KEY = "ps01.kl"


def _request(**inputs):
    return Request(KEY, (Sample("first", inputs, {"framework": "torch"}),), "title", "a.b", ("c.d",), "e.f", 2.5)


def _file(folder, body):
    exchange.path_for(folder, KEY).write_bytes(body)
    return folder


def _with_header(tensors, **header):
    return save(tensors, metadata={"wgan_course": json.dumps({"format": exchange.FORMAT, "key": KEY} | header)})


def _entry(**changes):
    return {"name": "first", "status": "ok", "error": "", "changes": [], "outputs": []} | changes


def test_request_there_and_back(tmp_path):
    inputs = {"p": np.array([0.5, 0.5]), "threshold": 0.25, "steps": 3, "flag": True, "name": "x", "q": np.eye(2)}
    exchange.write_request(_request(**inputs), tmp_path)
    back = exchange.read_request(tmp_path, KEY)
    assert (back.key, back.title, back.observer, back.guards) == (KEY, "title", "a.b", ("c.d",))
    assert (back.stand_in, back.limit, back.samples[0].options) == ("e.f", 2.5, {"framework": "torch"})
    assert list(back.samples[0].inputs) == list(inputs), "the order of the arguments must survive"
    for name, value in inputs.items():
        np.testing.assert_array_equal(back.samples[0].inputs[name], value)


def test_an_input_that_is_none_is_not_taken_for_an_array(tmp_path):
    exchange.write_request(_request(start=None, x=np.ones(1)), tmp_path)
    assert exchange.read_request(tmp_path, KEY).samples[0].inputs["start"] is None


def test_infinite_and_nan_scalars_survive(tmp_path):
    exchange.write_request(_request(a=float("inf"), b=float("nan")), tmp_path)
    inputs = exchange.read_request(tmp_path, KEY).samples[0].inputs
    assert inputs["a"] == np.inf
    assert np.isnan(inputs["b"])


ARRAYS = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.int64, np.bool_]), hnp.array_shapes(min_dims=0, min_side=0, max_side=4)
)


@given(array=ARRAYS)
def test_arrays_of_every_shape_and_type_survive(tmp_path_factory, array):
    folder = tmp_path_factory.mktemp("exchange")
    exchange.write_observations(KEY, [Observation("first", "ok", {"value": array})], folder)
    (back,) = exchange.read_observations(folder, KEY)
    assert back.outputs["value"].dtype == array.dtype
    np.testing.assert_array_equal(back.outputs["value"], array)


def test_transposed_arrays_keep_their_order(tmp_path):
    table = np.arange(6.0).reshape(2, 3).T
    exchange.write_observations(KEY, [Observation("first", "ok", {"value": table})], tmp_path)
    np.testing.assert_array_equal(exchange.read_observations(tmp_path, KEY)[0].outputs["value"], table)


def test_observations_keep_status_error_and_changes(tmp_path):
    seen = [Observation("a", "error", error="ValueError: no"), Observation("b", "ok", {}, changes=("value:p",))]
    exchange.write_observations(KEY, seen, tmp_path)
    assert list(exchange.read_observations(tmp_path, KEY)) == seen


def test_long_errors_are_cut(tmp_path):
    exchange.write_observations(KEY, [Observation("a", "error", error="x" * 10**6)], tmp_path)
    assert len(exchange.read_observations(tmp_path, KEY)[0].error) == exchange.MAX_TEXT


def test_endless_lists_of_changes_are_cut(tmp_path):
    forged = Observation("a", "ok", changes=("x" * 10**4,) * 10**3)
    exchange.write_observations(KEY, [forged], tmp_path)
    (seen,) = exchange.read_observations(tmp_path, KEY)
    assert seen.changes == ("x" * exchange.MAX_CODE,) * exchange.MAX_CODES


def test_no_draft_is_left_behind(tmp_path):
    exchange.write_observations(KEY, [], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f"{KEY}.safetensors"]


@pytest.mark.parametrize("key", ["../other", "a/b", "", "ps01.kl\0", "ps01 kl", "/etc/passwd", "~", "ps01.kl\n", "a-b"])
def test_keys_that_could_be_paths_are_refused(tmp_path, key):
    with pytest.raises(ValueError, match="dotted name"):
        exchange.path_for(tmp_path, key)


@pytest.mark.parametrize("key", ["ps01.kl", "..", "ps01..."])
def test_dots_never_lead_out_of_the_folder(tmp_path, key):
    assert exchange.path_for(tmp_path, key).resolve().parent == tmp_path.resolve()


def test_missing_file(tmp_path):
    with pytest.raises(ExchangeError, match="not there"):
        exchange.read_observations(tmp_path, KEY)


def test_symbolic_link_is_refused(tmp_path):
    target = tmp_path / "elsewhere"
    target.write_bytes(_with_header({}, observations=[]))
    exchange.path_for(tmp_path, KEY).symlink_to(target)
    with pytest.raises(ExchangeError, match="no plain file"):
        exchange.read_observations(tmp_path, KEY)


def test_directory_is_refused(tmp_path):
    exchange.path_for(tmp_path, KEY).mkdir()
    with pytest.raises(ExchangeError, match="no plain file"):
        exchange.read_observations(tmp_path, KEY)


def test_file_over_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(exchange, "MAX_FILE_BYTES", 1000)
    with pytest.raises(ExchangeError, match="larger than"):
        exchange.read_observations(_file(tmp_path, b"\0" * 1001), KEY)


def test_writing_over_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(exchange, "MAX_FILE_BYTES", 1000)
    with pytest.raises(ExchangeError, match="limit"):
        exchange.write_observations(KEY, [Observation("a", "ok", {"value": np.zeros(1000)})], tmp_path)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"1234567",
        pickle.dumps({"value": 1}),
        b"\x93NUMPY" + b"\0" * 100,
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 20) + b"{",
        struct.pack("<Q", 200_000) + b"[" * 200_000,
        b"\xff" * 64,
    ],
)
def test_damaged_files_are_refused(tmp_path, body):
    with pytest.raises(ExchangeError):
        exchange.read_observations(_file(tmp_path, body), KEY)


@given(body=st.binary(max_size=200))
def test_no_bytes_do_more_than_raise_the_one_error(tmp_path_factory, body):
    folder = _file(tmp_path_factory.mktemp("fuzz"), body)
    with pytest.raises(ExchangeError):
        exchange.read_observations(folder, KEY)


@given(position=st.integers(0, 10**6), byte=st.integers(0, 255))
def test_a_flipped_byte_does_no_more_than_raise_the_one_error(tmp_path_factory, position, byte):
    entry = _entry(outputs=["value"])
    body = bytearray(_with_header({"0/value": np.ones(2)}, observations=[entry]))
    body[position % len(body)] = byte
    folder = _file(tmp_path_factory.mktemp("flip"), bytes(body))
    try:
        (seen,) = exchange.read_observations(folder, KEY)
    except ExchangeError:
        return
    assert type(seen.status) is str


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.float16, np.uint64])
def test_other_types_are_refused(tmp_path, dtype):
    body = _with_header({"0/value": np.ones(2, dtype)}, observations=[_entry(outputs=["value"])])
    with pytest.raises(ExchangeError, match="other types"):
        exchange.read_observations(_file(tmp_path, body), KEY)


@pytest.mark.parametrize(
    "entries",
    [
        None,
        5,
        [5],
        [{}],
        [_entry(status="perfect")],
        [_entry(status=5)],
        [_entry(outputs=["value"])],
        [_entry(outputs=[["value"]])],
        [_entry(changes=[1])],
        [_entry(error={"a": 1})],
    ],
)
def test_headers_of_other_forms_are_refused(tmp_path, entries):
    body = _with_header({}, observations=entries)
    with pytest.raises(ExchangeError, match="damaged"):
        exchange.read_observations(_file(tmp_path, body), KEY)


def test_another_key_is_refused(tmp_path):
    with pytest.raises(ExchangeError, match="another key"):
        exchange.read_observations(_file(tmp_path, _with_header({}, key="ps01.js", observations=[])), KEY)


def test_another_format_is_refused(tmp_path):
    with pytest.raises(ExchangeError, match="different versions"):
        exchange.read_observations(_file(tmp_path, _with_header({}, format=99, observations=[])), KEY)


def test_damaged_request_is_refused(tmp_path):
    with pytest.raises(ExchangeError, match="request"):
        exchange.read_request(_file(tmp_path, _with_header({}, samples=[{"name": "x"}])), KEY)
