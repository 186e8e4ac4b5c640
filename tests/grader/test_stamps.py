"""Times with zones, and what a day late costs."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbgrader.utils import parse_utc

from wgan_grader import late, stamps


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-01-05 12:00:00 +0200", 10),
        ("2026-01-05 12:00:00 +02:00", 10),
        ("2026-01-05T12:00:00-05:00", 17),
        ("2026-01-05 12:00:00.000000 UTC", 12),
        ("2026-01-05 12:00", 12),
        ("2026-01-05T12:00:00Z", 12),
        ("2026-01-05 12:00 Europe/Berlin", 11),
        ("2026-07-05 12:00 Europe/Berlin", 10),
        ("2026-01-05 12:00 America/New_York", 17),
        ("2026-01-05 9:30", 9),
    ],
)
def test_zones_are_honoured(text, hour):
    assert stamps.parse_time(text).hour == hour
    assert stamps.parse_time(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01 12:00", "2026-01-05 25:00", "12:00", "2026-01-05 12:00 ABCT"]
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match=r"no time|no time zone|must be|month|hour"):
        stamps.parse_time(text)


def test_a_time_without_a_zone_is_the_courses():
    assert stamps.parse_time("2026-07-01 12:00", ZoneInfo("Asia/Tokyo")).hour == 3


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_nbgrader_reads_back_what_is_written(moment, minutes):
    shifted = moment.replace(tzinfo=UTC).astimezone(ZoneInfo("UTC")) + timedelta(0)
    sign, size = "-" if minutes < 0 else "+", abs(minutes)
    local = moment + timedelta(minutes=minutes)
    text = f"{local:%Y-%m-%d %H:%M:%S.%f} {sign}{size // 60:02d}{size % 60:02d}"
    assert stamps.parse_time(text) == shifted
    assert parse_utc(stamps.written(stamps.parse_time(text))) == moment


def test_a_submissions_stamp_is_rewritten_or_removed_with_a_word(tmp_path):
    path = tmp_path / "timestamp.txt"
    assert stamps.rewrite_timestamp(path) == ""
    path.write_text("2026-01-05 12:00:00 +0200\n")
    assert stamps.rewrite_timestamp(path) == ""
    assert path.read_text() == "2026-01-05 10:00:00.000000 UTC\n"
    path.write_bytes(b"\xff\x00 soon")
    assert "cannot be read" in stamps.rewrite_timestamp(path)
    assert not path.exists()


def test_each_day_begun_costs_its_share(tmp_path):
    plugin = late.LatePenalty(folder=str(tmp_path))
    assert plugin.late_submission_penalty("doe", 20.0, 3600) is None
    late.write_rule(tmp_path, 0.1)
    assert plugin.late_submission_penalty("doe", 20.0, 3600) == pytest.approx(2)
    assert plugin.late_submission_penalty("doe", 20.0, 86401) == pytest.approx(4)
    assert plugin.late_submission_penalty("doe", 20.0, 86400 * 30) == 20
    for share in (-0.1, 1.1):
        with pytest.raises(ValueError, match="0 to 100"):
            late.write_rule(tmp_path, share)
