"""How a database of PostgreSQL is named: by an address, where a folder is named by a path."""

from typing import NamedTuple
from urllib.parse import urlsplit

_SCHEMES = ("postgresql://", "postgres://")


class Address(NamedTuple):
    """`postgresql://user@host/database`, as libpq takes it; all that is stored lies in one schema of that database.

    `str` of it shows no password.
    """

    url: str
    schema: str = "wirecopy"

    @property
    def making(self) -> "Address":
        """Where a log is made that is to replace this one; what it holds is of no value yet."""
        return self._replace(schema=f"{self.schema}_making")

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        shown = parts.netloc.rpartition("@")
        user = shown[0].partition(":")[0]
        return f"{parts.scheme}://{user}{shown[1]}{shown[2]}{parts.path}"


def is_address(text: str) -> bool:
    """Return whether a text names a database of PostgreSQL and not a folder."""
    return text.startswith(_SCHEMES)
