"""Messages of a kernel that nobody can trust: what has not the protocol's form is dropped and counted.

A submission can write to its kernel's sockets whatever it likes. So each message is taken apart field by field, and
what goes on is made anew of plain texts.
"""

import json
import time
from collections.abc import Callable, Mapping
from queue import Empty
from typing import Any

import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from traitlets import Type

__all__ = ["CarefulChannel", "CarefulClient", "cleaned"]

STATES = ("busy", "idle", "starting")
MAX_LINES = 100
MAX_COUNT = 10**6


def cleaned(message: Any) -> dict[str, Any] | None:
    """The message with fields of their right types and nothing else; None where it has not the form."""
    if not isinstance(message, dict):
        return None
    kind, header = message.get("msg_type"), message.get("header")
    parent, content = message.get("parent_header"), message.get("content")
    if not (isinstance(kind, str) and isinstance(header, dict) and isinstance(parent, dict)):
        return None
    read = READERS.get(kind)
    if read is None or not isinstance(content, dict):
        return None
    try:
        made = read(content)
    except (TypeError, ValueError):
        return None
    start = {"msg_id": _short(parent.get("msg_id")), "msg_type": _short(parent.get("msg_type"))}
    plain = {"msg_id": _short(header.get("msg_id")), "msg_type": kind, "date": header.get("date")}
    return {
        "header": plain,
        "msg_id": plain["msg_id"],
        "msg_type": kind,
        "parent_header": start,
        "metadata": {},
        "content": made,
        "buffers": [],
    }


def _short(value: Any) -> str:
    return value[:200] if isinstance(value, str) else ""


def text_of(value: Any) -> str:
    """A text; TypeError where it is none."""
    if not isinstance(value, str):
        raise TypeError(f"a text is wanted, got {type(value).__name__}")
    return value


def count_of(value: Any) -> int | None:
    """A cell's number; None where it is none."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value <= MAX_COUNT else None


def _stream(content: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": "stderr" if content.get("name") == "stderr" else "stdout", "text": text_of(content.get("text"))}


def _display(content: Mapping[str, Any]) -> dict[str, Any]:
    bundle = content.get("data")
    if not isinstance(bundle, dict):
        raise TypeError("a bundle of data is wanted")
    data = {key: value for key, value in bundle.items() if isinstance(key, str) and isinstance(value, str)}
    return {"data": data, "metadata": {}, "transient": {}, "execution_count": count_of(content.get("execution_count"))}


def _error(content: Mapping[str, Any]) -> dict[str, Any]:
    lines = content.get("traceback")
    lines = [line for line in lines[:MAX_LINES] if isinstance(line, str)] if isinstance(lines, list) else []
    return {"ename": text_of(content.get("ename")), "evalue": text_of(content.get("evalue")), "traceback": lines}


def _state(content: Mapping[str, Any]) -> dict[str, Any]:
    if content.get("execution_state") not in STATES:
        raise ValueError("no state of a kernel")
    return {"execution_state": content["execution_state"]}


def _reply(content: Mapping[str, Any]) -> dict[str, Any]:
    if content.get("status") not in ("ok", "error", "aborted"):
        raise ValueError("no status of a reply")
    made = {"status": content["status"], "execution_count": count_of(content.get("execution_count"))}
    payload = content.get("payload")
    made["payload"] = [{"source": "ask_exit"}] if isinstance(payload, list) and _asks_exit(payload) else []
    return made | ({"ename": _short(content.get("ename")), "evalue": "", "traceback": []} if "ename" in content else {})


def _asks_exit(payload: list[Any]) -> bool:
    return any(isinstance(one, dict) and one.get("source") == "ask_exit" for one in payload[:20])


def _information(content: Mapping[str, Any]) -> dict[str, Any]:
    return {"status": "ok", "protocol_version": _short(content.get("protocol_version"))}


# What honest kernels send, and the grader has no use for.
PASSED_OVER = (
    "iopub_welcome",
    "comm_open",
    "comm_msg",
    "comm_close",
    "comm_info_reply",
    "debug_event",
    "input_request",
    "update_display_data",
)
READERS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "stream": _stream,
    "display_data": _display,
    "execute_result": _display,
    "error": _error,
    "status": _state,
    "execute_reply": _reply,
    "kernel_info_reply": _information,
    "execute_input": lambda content: {"execution_count": count_of(content.get("execution_count")), "code": ""},
    "clear_output": lambda content: {"wait": content.get("wait") is True},
    "shutdown_reply": lambda content: {"status": "ok", "restart": False},
    "interrupt_reply": lambda content: {"status": "ok"},
}


def _without_use(message: Any) -> bool:
    return isinstance(message, dict) and message.get("msg_type") in PASSED_OVER


class CarefulChannel(AsyncZMQSocketChannel):
    """A channel that gives messages of the protocol's form alone; `dropped` counts the others."""

    dropped = 0

    async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:
        """Next message of the right form; Empty where none comes in time."""
        last = None if timeout is None else time.monotonic() + timeout
        assert self.socket is not None  # the channel has been started
        while True:
            left: Any = None if last is None else max(0, int(1000 * (last - time.monotonic())))
            if not await self.socket.poll(left):
                raise Empty
            message = await self._next()
            if message is not None:
                return message

    async def _next(self) -> dict[str, Any] | None:
        message = None
        try:
            message = await self._recv()
            made = cleaned(message)
        except zmq.ZMQError:
            raise
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, json.JSONDecodeError):
            made = None
        self.dropped += made is None and not _without_use(message)
        return made


class CarefulClient(AsyncKernelClient):
    """A kernel's client whose channels are careful."""

    shell_channel_class = Type(CarefulChannel)
    iopub_channel_class = Type(CarefulChannel)
    control_channel_class = Type(CarefulChannel)

    @property
    def dropped(self) -> int:
        """How many messages were dropped."""
        return self.iopub_channel.dropped + self.shell_channel.dropped
