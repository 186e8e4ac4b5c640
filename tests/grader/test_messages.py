"""Messages of a kernel: what has the protocol's form goes on, and nothing else does or stops anything."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from queue import Empty

import pytest
import zmq
import zmq.asyncio
from hypothesis import example, given
from hypothesis import strategies as st
from jupyter_client.session import Session

from wgan_grader.messages import READERS, CarefulChannel, _without_use, cleaned

HEADER = {"msg_id": "1", "msg_type": "stream", "username": "", "session": "", "version": "5.4"}


def message(kind="stream", content=None, **changes):
    made = {"header": HEADER, "msg_id": "1", "msg_type": kind, "parent_header": {"msg_id": "0"}, "metadata": {}}
    return made | {"content": {"name": "stdout", "text": "x"} if content is None else content, "buffers": []} | changes


GOOD = {
    "stream": {"name": "stdout", "text": "x"},
    "display_data": {"data": {"text/plain": "x"}, "metadata": {}},
    "execute_result": {"data": {"text/plain": "x"}, "metadata": {}, "execution_count": 3},
    "error": {"ename": "E", "evalue": "v", "traceback": ["line"]},
    "status": {"execution_state": "idle"},
    "execute_reply": {"status": "ok", "execution_count": 3, "payload": []},
    "kernel_info_reply": {"status": "ok", "protocol_version": "5.4"},
    "execute_input": {"code": "1", "execution_count": 3},
    "clear_output": {"wait": True},
    "shutdown_reply": {"status": "ok", "restart": False},
    "interrupt_reply": {"status": "ok"},
}


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_what_a_kernel_sends_goes_on(kind):
    assert set(GOOD) == set(READERS)
    made = cleaned(message(kind, GOOD[kind]))
    assert made["msg_type"] == kind
    assert made["parent_header"]["msg_id"] == "0"


@pytest.mark.parametrize("kind", ["comm_open", "comm_msg", "update_display_data", "input_request", "", "x" * 10_000])
def test_other_kinds_are_dropped(kind):
    assert cleaned(message(kind, {})) is None


def test_what_honest_kernels_send_is_not_called_foreign():
    """As `display(..., display_id=True)` and the handle's `update` do, or a slider."""
    assert all(_without_use(message(kind, {})) for kind in ("update_display_data", "comm_open", "comm_msg"))
    assert not _without_use(message("forged", {}))


BAD = [
    message(content=[]),
    message(content={"name": "stdout"}),
    message(content={"name": "stdout", "text": 5}),
    message(parent_header=[]),
    message(header="x"),
    message(msg_type=5),
    message("display_data", {"data": []}),
    message("error", {"ename": 1, "evalue": "v", "traceback": []}),
    message("status", {"execution_state": ["idle"]}),
    message("execute_reply", {"status": {"ok": 1}}),
    {key: value for key, value in message().items() if key != "content"},
]


@pytest.mark.parametrize("bad", BAD)
def test_what_has_not_the_form_is_dropped(bad):
    assert cleaned(bad) is None


@pytest.mark.parametrize("count", ["<b>", -1, 10**9, True, 1.5, [1], None])
def test_a_cell_s_number_is_a_number_or_none(count):
    made = cleaned(message("execute_input", {"code": "", "execution_count": count}))
    assert made["content"]["execution_count"] is None


def test_a_call_of_exit_is_seen():
    asked = [{"source": "ask_exit", "keepkernel": False}]
    for payload, expected in ((asked, True), ([{"source": "page"}], False), ("ask_exit", False), ([[]], False)):
        made = cleaned(message("execute_reply", {"status": "ok", "payload": payload}))
        assert bool(made["content"]["payload"]) is expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@example("stream", {"name": None, "text": "x"})
@given(st.sampled_from(sorted(READERS)), JSON)
def test_no_content_raises(kind, content):
    made = cleaned(message(kind, content))
    assert made is None or made["msg_type"] == kind


def test_a_channel_goes_on_after_what_it_cannot_read():
    """Unsigned, cut, nested deeply, of wrong types: the good message behind them arrives."""

    async def exchange():
        context = zmq.asyncio.Context()
        ours, theirs = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
        port = ours.bind_to_random_port("tcp://127.0.0.1")
        theirs.connect(f"tcp://127.0.0.1:{port}")
        session = Session(key=b"k")
        deep = b'{"a":' * 5000 + b"1" + b"}" * 5000
        parts = [b"{}", b"{}", b"{}"]
        frames = [
            [b"<IDS|MSG>"],
            [b"no delimiter"],
            [b"<IDS|MSG>", b"", *parts, b"{}"],
            [b"<IDS|MSG>", b"wrong", *parts, b"{}"],
            [b"<IDS|MSG>", session.sign([deep, *parts]), deep, *parts],
            [b"<IDS|MSG>", session.sign([b"[]", *parts]), b"[]", *parts],
            session.serialize(session.msg("stream", {"name": "stdout", "text": 5})),
            session.serialize(session.msg("iopub_welcome", {})),  # an honest one, and not counted
            session.serialize(session.msg("stream", {"name": "stdout", "text": "here"})),
        ]
        for frame in frames:
            await theirs.send_multipart(frame)
        channel = CarefulChannel(ours, session)
        made = await channel.get_msg(timeout=5)
        with pytest.raises(Empty):
            await channel.get_msg(timeout=0)
        context.destroy(linger=0)
        return made, channel.dropped

    with ThreadPoolExecutor(1) as thread:  # another test of this process may have left a loop running
        made, dropped = thread.submit(asyncio.run, exchange()).result()
    assert made["content"]["text"] == "here"
    assert dropped == 7
