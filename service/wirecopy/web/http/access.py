"""Who may use the service, and how much: keys and token buckets.

The configuration holds SHA-256 digests of keys. Keys are long and random, so a fast hash is enough: there is no
dictionary to try. A presented key is compared with every digest in constant time, so that neither the time nor the
order tells anything.
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Callable, Sequence

from wirecopy.config import Auth, Key
from wirecopy.web.http.problems import NotAuthorized, TooManyRequests


class Bucket:
    """A token bucket: `rate` requests per second on average, `burst` at once after a pause."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._counted_at = clock()

    def take(self) -> None:
        """Count one request. Raises TooManyRequests, which says when to come again."""
        self._refill()
        if self._tokens < 1:
            wait = (1 - self._tokens) / self._rate
            raise TooManyRequests("the rate of this key is used up", Retry_After=str(max(1, round(wait + 0.5))))
        self._tokens -= 1

    def take_many(self, count: int) -> float:
        """Count `count` requests whether there is room or not; return the seconds to wait before the next."""
        self._refill()
        self._tokens -= count
        return max(0.0, -self._tokens / self._rate)

    def _refill(self) -> None:
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._counted_at) * self._rate)
        self._counted_at = now


class Client:
    """Whoever holds a key; `bucket` is None where there is no rate limit."""

    def __init__(self, name: str, digest: bytes, bucket: Bucket | None) -> None:
        self.name = name
        self.digest = digest
        self.bucket = bucket


ANYONE = Client("", b"", None)


class Keys:
    """Tells clients by their keys."""

    def __init__(self, auth: Auth, clock: Callable[[], float]) -> None:
        self._clients = [Client(key.name, bytes.fromhex(key.sha256), _new_bucket(auth, clock)) for key in auth.keys]

    def identify(self, authorization: str) -> Client:
        """The client who sent this Authorization header; anyone where no keys are set. Raises NotAuthorized."""
        if not self._clients:
            return ANYONE
        scheme, _, key = authorization.partition(" ")
        digest = hashlib.sha256(key.strip().encode("utf-8", "surrogateescape")).digest()
        found = [client for client in self._clients if hmac.compare_digest(digest, client.digest)]
        if not found or scheme.lower() != "bearer":
            is_wrong = key and scheme.lower() == "bearer"
            reason = "this key is not known here" if is_wrong else "this service needs a key: Authorization: Bearer KEY"
            raise NotAuthorized(reason, WWW_Authenticate='Bearer realm="wirecopy"')
        return found[0]


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def has_duplicates(keys: Sequence[Key]) -> bool:
    """Whether two clients have the same name, or the same key."""
    return len({key.name for key in keys}) < len(keys) or len({key.sha256 for key in keys}) < len(keys)


def _new_bucket(auth: Auth, clock: Callable[[], float]) -> Bucket | None:
    if auth.rate_limit_per_second is None:
        return None
    return Bucket(auth.rate_limit_per_second, auth.rate_limit_burst, clock)
