"""Times of due dates and submissions: a zone that is written is honoured, and one that is not known is refused.

nbgrader's own reader takes "+0200" for two hundred seconds, so times are read here and written in UTC.
"""

import re
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

__all__ = ["parse_time", "rewrite_timestamp", "written"]

PARTS = re.compile(
    r"^\s*(\d{4}-\d\d-\d\d)(?:[T ]+(\d{1,2}:\d\d(?::\d\d(?:\.\d{1,9})?)?))?\s*"
    r"(Z|[+-]\d\d:?\d\d|[A-Za-z][A-Za-z_/+0-9-]*)?\s*$"
)


def parse_time(text: str, zone: tzinfo = UTC) -> datetime:
    """Time in UTC of a text such as ``2026-03-01 18:00 Europe/Berlin``; without a zone it is that of `zone`.

    Raises
    ------
    ValueError
        Where it is no time, or the zone is not known; the message says what is wanted.
    """
    match = PARTS.match(text)
    if match is None:
        raise ValueError(f"{text.strip()[:60]!r} is no time; wanted is one such as 2026-03-01 18:00 Europe/Berlin")
    day, clock, name = match.groups()
    clock = re.sub(r"(\.\d{6})\d+", r"\1", clock or "00:00").rjust(5, "0")
    moment = datetime.fromisoformat(f"{day} {clock}")
    return moment.replace(tzinfo=_zone(name, zone)).astimezone(UTC)


def _zone(name: str | None, default: tzinfo) -> tzinfo:
    if not name:
        return default
    if name.upper() in {"Z", "UTC", "GMT"}:
        return UTC
    if name[0] in "+-":
        offset = datetime.strptime(name.replace(":", ""), "%z").tzinfo
        assert offset is not None
        return offset
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {name!r}; write one such as Europe/Berlin, UTC or +02:00") from error


def written(moment: datetime) -> str:
    """A time as nbgrader reads it without a mistake."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f} UTC"


def rewrite_timestamp(path: Path) -> str:
    """Write a submission's ``timestamp.txt`` in UTC; what cannot be read is removed, and the return says so."""
    if not path.exists():
        return ""
    text = ""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")[:100].strip()
        path.write_text(written(parse_time(text)) + "\n")
    except (ValueError, OverflowError, OSError) as error:
        path.unlink(missing_ok=True)
        return f"The time of handing in cannot be read ({error}), so it counts as in time."
    return ""
