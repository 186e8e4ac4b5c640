"""Progress of a check that takes longer than two seconds, in one line that is written again and again."""

import sys
import threading
import time
from types import TracebackType
from typing import Any

FIRST, EACH = 2.0, 1.0


class Progress:
    """Writes a line each second, from the third on, until the block ends.

    Parameters
    ----------
    key : str
        What is checked.
    """

    def __init__(self, key: Any) -> None:
        self._key, self._done, self._all, self._width = str(key)[:80], 0, 0, 0
        self._over = threading.Event()
        self._stream = sys.stdout  # while a function is observed, another one stands there
        self._begun = time.monotonic()
        self._thread = threading.Thread(target=self._tell, daemon=True, name="tells-of-a-check")

    def __enter__(self) -> "Progress":
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End the line, where one was begun."""
        self._over.set()
        self._thread.join(EACH)
        if self._width:
            self._write(f"{self._key}: {self._all} inputs, {self._seconds()} s\n")

    def told(self, done: int, of: int) -> None:
        """Take how many inputs were tried, and of how many."""
        self._done, self._all = done, of

    def _tell(self) -> None:
        if self._over.wait(FIRST):
            return
        while True:
            step = f"input {min(self._done + 1, self._all)} of {self._all}" if self._all else "getting ready"
            self._write(f"{self._key}: {step}, {self._seconds()} s …")
            if self._over.wait(EACH):
                return

    def _seconds(self) -> int:
        return round(time.monotonic() - self._begun)

    def _write(self, text: str) -> None:
        self._stream.write(f"\r{text.rstrip().ljust(self._width)}{text[len(text.rstrip()) :]}")
        self._stream.flush()
        self._width = len(text)
