"""Whether what calls itself a picture is one: anything else could be markup in a page."""

import base64
import binascii
import math
from typing import Any

__all__ = ["KINDS", "is_picture"]

KINDS = {"image/png": b"\x89PNG\r\n", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8", "image/webp": b"RIFF"}


def is_picture(kind: Any, data: Any, most: float = math.inf) -> bool:
    """Whether it is base64 of what begins like a picture of that kind, at most so many characters long."""
    if kind not in KINDS or not isinstance(data, str) or len(data) > most:
        return False
    try:
        return base64.b64decode("".join(data.split()), validate=True).startswith(KINDS[kind])
    except (ValueError, binascii.Error):
        return False
