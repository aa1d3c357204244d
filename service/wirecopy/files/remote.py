"""Addresses as inputs: https by the standard library, s3, gs, hf and others by fsspec (the extra `remote`).

Nothing is asked for but what the caller named, with a time limit on every wait for the other side. Credentials are
those that fsspec's own libraries find.
"""

import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from wirecopy.errors import InputFailed, InvalidArticle, UsageError
from wirecopy.schema.version import VERSION

_TIMEOUT_SECONDS = 30.0
_WEB = ("http", "https")


def is_address(name: str) -> bool:
    """Return whether an input is an address and no file."""
    return "://" in name


def path_of(address: str) -> str:
    """Return the path of an address, whose ending tells the format."""
    return urlsplit(address).path if urlsplit(address).scheme in _WEB else address


@contextmanager
def opened(address: str) -> Iterator[BinaryIO]:
    """Open what is there. Raises InputFailed (nothing there, no answer in time), OSError while it is read."""
    scheme = urlsplit(address).scheme
    stream = _open_web(address) if scheme in _WEB else _open_by_fsspec(address)
    with stream:
        try:
            yield stream
        except TimeoutError:
            raise InputFailed(address, f"nothing came for {_TIMEOUT_SECONDS:g} seconds") from None


def matching(pattern: str) -> list[str]:
    """Return the addresses that a pattern matches, sorted. Raises InputFailed, UsageError for one of the web."""
    scheme = urlsplit(pattern).scheme
    if scheme in _WEB:
        raise UsageError(f"{pattern}: the web cannot be searched by a pattern; name each address")
    with _failures_of(pattern):
        system, path = _fsspec(pattern).core.url_to_fs(pattern)
        found = sorted(f"{scheme}://{name.split('://')[-1].lstrip('/')}" for name in system.glob(path))
    if not found:
        raise InputFailed(pattern, "nothing matches this pattern")
    return found


def fetch_text(address: str, *, host: str, key: str, most: int = 2**24) -> str:
    """Return what stands at an address of one host, asked for with a key (AP's `x-api-key`).

    Raises InvalidArticle for another host, and for what does not come: only the item is concerned.
    """
    parts = urlsplit(address)
    if parts.scheme not in _WEB or parts.netloc != host:
        raise InvalidArticle(
            f"text is missing: it links to {parts.netloc or 'nowhere'}, which --fetch-nitf does not name"
        )
    request = urllib.request.Request(address, headers={"User-Agent": f"wirecopy/{VERSION}", "x-api-key": key})
    try:
        with _STRAIGHT.open(request, timeout=_TIMEOUT_SECONDS) as stream:
            data = stream.read(most + 1)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise InvalidArticle(f"text is missing: {host} does not give it: {getattr(error, 'reason', error)}") from None
    if len(data) > most:
        raise InvalidArticle(f"text is missing: what {host} gives is longer than {most} bytes")
    return cast(bytes, data).decode("utf-8", "replace")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The key goes to no other host."""

    def redirect_request(self, *_: Any) -> None:
        return None


_STRAIGHT = urllib.request.build_opener(_NoRedirect)


def _open_web(address: str) -> BinaryIO:
    request = urllib.request.Request(address, headers={"User-Agent": f"wirecopy/{VERSION}"})
    try:
        return cast(BinaryIO, urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS))
    except urllib.error.HTTPError as error:
        with error:
            raise InputFailed(address, f"the answer was {error.code} {error.reason}") from None
    except (urllib.error.URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        late = isinstance(reason, TimeoutError)
        raise InputFailed(address, f"no answer in {_TIMEOUT_SECONDS:g} seconds" if late else str(reason)) from None


def _open_by_fsspec(address: str) -> BinaryIO:
    with _failures_of(address):
        return cast(BinaryIO, _fsspec(address).open(address, "rb").open())


def _fsspec(address: str) -> Any:
    try:
        import fsspec
    except ImportError:
        raise InputFailed(address, "addresses of this kind need fsspec: pip install 'wirecopy[remote]'") from None
    return fsspec


@contextmanager
def _failures_of(address: str) -> Iterator[None]:
    """Make one of our errors of every failure of a library behind fsspec, which has errors of its own."""
    try:
        yield
    except InputFailed:
        raise
    except FileNotFoundError:
        raise InputFailed(address, "no such file or directory") from None
    except ImportError as error:
        raise InputFailed(address, f"{error}; see the extra 'remote': pip install 'wirecopy[remote]'") from None
    except Exception as error:  # noqa: BLE001 - what a storage's own library raises cannot be listed
        raise InputFailed(address, " ".join(str(error).split())[:300] or type(error).__name__) from None
