"""Dates and times as feeds write them <-> milliseconds since 1970 UTC. Every date that comes in is read here.

    2024-08-12T09:30:00Z  2024-08-12 09:30:00.25+02:00  2024-08-12T09:30+0200  2024-08-12     RFC 3339, ISO 8601
    20240812T093000Z  20240812093000  20240812                                                ISO 8601, basic
    Mon, 12 Aug 2024 09:30:00 GMT                                                             RFC 822 and 5322
    1723455000  1723455000000  "1723455000.25"                                                Unix time, or finer

A number is taken for seconds, milli-, micro- or nanoseconds by its size: below 10^11 (the year 5138) it is seconds.
What has no zone is in the zone that the caller assumes. Dates that can be read two ways (12/08/2024) are not read.
"""

import math
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime

from wirecopy.errors import InvalidArticle

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_MIN_MILLISECONDS = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // _MILLISECOND
_MAX_MILLISECONDS = (datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC) - _EPOCH) // _MILLISECOND
_FIRST_FINER = 10**11  # the first number that is no count of seconds any more; each finer unit begins 1,000 times later
_MOST_SHOWN = 60  # characters of a date that a message repeats

_OFFSET = r"[Zz]|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?"
_RFC_3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    rf"(?:[Tt ]([0-9]{{2}}:[0-9]{{2}})(?::([0-9]{{2}})(?:[.,]([0-9]{{1,9}})[0-9]*)?)? ?({_OFFSET})?)?"
)
_BASIC = re.compile(
    r"([12][0-9]{3})([0-9]{2})([0-9]{2})"
    rf"(?:[Tt ]?([0-9]{{2}})([0-9]{{2}})([0-9]{{2}})?(?:\.[0-9]+)? ?({_OFFSET})?)?"
)
_NUMBER = re.compile(r"-?[0-9]{1,19}(?:\.[0-9]{1,9})?")
_MAIL = re.compile(r"(?:[A-Za-z]{3,9}, ?)?[0-9]{1,2} [A-Za-z]{3} [0-9]{4} ")  # how a date of RFC 5322 begins
_ZONE = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})")


def format_published(milliseconds: int) -> str:
    """Return the time as RFC 3339 in UTC, with milliseconds only where there are some."""
    moment = _EPOCH + milliseconds * _MILLISECOND
    precision = "milliseconds" if milliseconds % 1000 else "seconds"
    return moment.replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def parse_published(value: object, name: str = "published", zone: tzinfo = UTC) -> int:
    """Return milliseconds since 1970 UTC of a time or a date in one of the forms above; `zone` is that of the rest.

    Fractions of a second are cut to milliseconds; a leap second is the first moment of the next minute. Raises
    InvalidArticle for anything else and for moments outside the years 1 to 9999.
    """
    if type(value) is str:
        found = _RFC_3339.fullmatch(value)
        milliseconds = _of_rfc_3339(found, value, name, zone) if found else _of_other_text(value, name, zone)
    elif type(value) is int or type(value) is float:
        milliseconds = _of_number(value, name)
    elif isinstance(value, datetime):
        milliseconds = _of_moment(value, zone)
    else:
        raise _refusal(value, name) from None
    if not _MIN_MILLISECONDS <= milliseconds <= _MAX_MILLISECONDS:
        raise _refusal(value, name) from None
    return milliseconds


def parse_zone(text: str) -> tzinfo:
    """Return the zone that `text` names: UTC, an offset (+02:00) or a name of the tz database (Europe/Berlin).

    Raises ValueError for anything else.
    """
    if text in ("UTC", "Z"):
        return UTC
    if found := _ZONE.fullmatch(text):
        offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return timezone(-offset if found[1] == "-" else offset)
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # only who sets a zone pays for it

    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"{text!r} is no time zone: UTC, an offset such as +02:00, or a name as Europe/Berlin"
        ) from None


def _of_rfc_3339(found: "re.Match[str]", value: str, name: str, zone: tzinfo) -> int:
    date, minute, second, fraction, written = found.groups()
    is_leap = second == "60"
    try:
        if minute is None:
            moment = datetime.fromisoformat(date)
        else:
            moment = datetime.fromisoformat(f"{date}T{minute}:{'59' if is_leap else second or '00'}{_offset(written)}")
        milliseconds = _of_moment(moment, zone)
    except (ValueError, OverflowError):
        raise _refusal(value, name) from None
    if is_leap:
        milliseconds += 1000
        if milliseconds % 86_400_000:  # leap seconds end a UTC day
            raise _refusal(value, name) from None
    return milliseconds if fraction is None else milliseconds + int(fraction[:3].ljust(3, "0"))


def _of_other_text(value: str, name: str, zone: tzinfo) -> int:
    """Return a date in another form, with space around it or not."""
    text = value.strip()
    if text != value and (found := _RFC_3339.fullmatch(text)):
        return _of_rfc_3339(found, value, name, zone)
    try:
        if found := _BASIC.fullmatch(text):
            return _of_moment(_basic(found), zone)
        if _NUMBER.fullmatch(text):
            return _of_number(float(text) if "." in text else int(text), name)
        if _MAIL.match(text) and text.isascii() and len(text) <= _MOST_SHOWN:
            return _of_moment(parsedate_to_datetime(text), zone)
    except (ValueError, TypeError, IndexError, OverflowError):
        raise _refusal(value, name) from None
    raise _refusal(value, name)


def _basic(found: "re.Match[str]") -> datetime:
    year, month, day, hour, minute, second, written = found.groups()
    time = "" if hour is None else f"T{hour}:{minute}:{second or '00'}{_offset(written)}"
    return datetime.fromisoformat(f"{year}-{month}-{day}{time}")


def _of_number(value: float, name: str) -> int:
    if isinstance(value, float) and not math.isfinite(value):
        raise _refusal(value, name) from None
    if abs(value) < _FIRST_FINER:
        return math.floor(value * 1000)
    whole, finer = math.floor(value), 1
    while abs(whole) >= _FIRST_FINER * 1000 * finer and finer < 10**6:
        finer *= 1000
    return whole // finer


def _of_moment(moment: datetime, zone: tzinfo) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return (moment - _EPOCH) // _MILLISECOND


def _offset(written: str | None) -> str:
    """Return a zone as `datetime.fromisoformat` reads it, empty where there is none."""
    if written is None:
        return ""
    return "+00:00" if written[0] in "ZzUG" else written if len(written) > 3 else written + ":00"


def _refusal(value: object, name: str) -> InvalidArticle:
    if isinstance(value, str) and len(value) > _MOST_SHOWN:
        value = value[:_MOST_SHOWN] + "…"
    shown = "so large a number" if isinstance(value, int) and abs(value) >= 10**30 else repr(value)
    return InvalidArticle(f"{name} must be an RFC 3339 time or a date (2024-08-12T09:30:00Z), not {shown[:200]}")
