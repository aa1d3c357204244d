"""Fetching: the text of an address, from hosts that are listed and from nowhere else."""

import aiohttp
from yarl import URL

from wirecopy.errors import UsageError
from wirecopy.schema import markup

_MOST_BYTES = 4 * 2**20
_SECONDS = 10.0


async def fetch_text(address: str, hosts: list[str]) -> str:
    """Return what a reader sees of a page. Raises UsageError for a host that is not listed, and what cannot be read."""
    try:
        url = URL(address)
    except ValueError:
        raise UsageError("this is no address") from None
    if url.scheme not in ("http", "https") or url.host is None or url.host.lower() not in {h.lower() for h in hosts}:
        raise UsageError("addresses are fetched from hosts that page.fetch_hosts lists, and from no others")
    try:
        body, kind = await _fetch(url)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise UsageError(f"{url.host} gave no text: {type(error).__name__}") from None
    text = body.decode("utf-8", "replace")
    return markup.to_text(text) if "html" in kind else text


async def _fetch(url: URL) -> tuple[bytes, str]:
    """Return the body and its type; redirects are not followed: they may lead to a host that is not listed."""
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
        session.get(url, allow_redirects=False, headers={"User-Agent": "wirecopy"}) as answer,
    ):
        if answer.status != 200:
            raise UsageError(f"{url.host} answered {answer.status}")
        body = await answer.content.read(_MOST_BYTES + 1)
        while len(body) <= _MOST_BYTES and (more := await answer.content.read(_MOST_BYTES + 1 - len(body))):
            body += more
        if len(body) > _MOST_BYTES:
            raise UsageError(f"{url.host} sent more than {_MOST_BYTES} bytes")
        return body, answer.content_type
