"""Who may use the service, what for, and how much: keys, their roles, token buckets.

The configuration holds SHA-256 digests of keys. Keys are long and random, so a fast hash is enough: there is no
dictionary to try. A presented key is compared with every digest in constant time, so that neither the time nor the
order tells anything.

    read      ask for articles, stories, events; compare and check texts
    write     send articles
    edit      merge, split, pin; forget what a source repeats
    erase     delete articles
    admin     what operators ask of a running service
    metrics   read the counters
"""

import contextlib
import hashlib
import hmac
import ipaddress
from collections.abc import Callable, Sequence
from typing import get_args

from wirecopy.config import Auth, Key, Role
from wirecopy.web.http.problems import NotAuthorized, RoleMissing, TooManyRequests

ALL_ROLES: frozenset[Role] = frozenset(get_args(Role))
_CHALLENGE = {"WWW_Authenticate": 'Bearer realm="wirecopy"'}
_MOST_ADDRESSES = 10_000  # whose rates are remembered


class Bucket:
    """A token bucket: `rate` requests per second on average, `burst` at once after a pause. Answers say `whose`."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float], whose: str = "key") -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._whose = whose
        self._tokens = float(burst)
        self._counted_at = clock()

    def take(self) -> None:
        """Count one request. Raises TooManyRequests, which says when to come again."""
        self._refill()
        if self._tokens < 1:
            wait = (1 - self._tokens) / self._rate
            raise TooManyRequests(
                f"the rate of this {self._whose} is used up", Retry_After=str(max(1, round(wait + 0.5)))
            )
        self._tokens -= 1

    def take_many(self, count: int) -> float:
        """Count `count` requests whether there is room or not; return the seconds to wait before the next."""
        self._refill()
        self._tokens -= count
        return max(0.0, -self._tokens / self._rate)

    @property
    def is_full(self) -> bool:
        """Whether it is as good as new."""
        self._refill()
        return self._tokens >= self._burst

    def _refill(self) -> None:
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._counted_at) * self._rate)
        self._counted_at = now


class Caller:
    """Whoever holds a key, or nobody in particular (`name` is empty); `bucket` is None where there is no rate limit."""

    __slots__ = ("bucket", "digest", "name", "roles")

    def __init__(self, name: str, digest: bytes, bucket: Bucket | None, roles: frozenset[Role] = ALL_ROLES) -> None:
        self.name = name
        self.digest = digest
        self.bucket = bucket
        self.roles = roles

    def check_may(self, role: Role) -> None:
        """Raise RoleMissing for a key that lacks the role, NotAuthorized where a key may help."""
        if role in self.roles:
            return
        if not self.name:
            raise NotAuthorized("this needs a key: Authorization: Bearer KEY", **_CHALLENGE)
        raise RoleMissing(f"the key {self.name} has not the role {role}")


ANYONE = Caller("", b"", None)


class Keys:
    """Tells clients by their keys. `replace` changes them while the service runs."""

    def __init__(self, auth: Auth, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._clients: list[Caller] = []
        self._anyone = ANYONE
        self.replace(auth)

    @property
    def are_set(self) -> bool:
        """Whether there are any."""
        return bool(self._clients)

    def replace(self, auth: Auth) -> None:
        """Use these from now on; a key that stays keeps what it has used of its rate."""
        before = {(client.name, client.digest): client.bucket for client in self._clients}
        self._clients = []
        for key in auth.keys:
            digest = bytes.fromhex(key.sha256)
            bucket = before.get((key.name, digest)) or _new_bucket(auth, self._clock)
            self._clients.append(Caller(key.name, digest, bucket, frozenset(key.roles)))
        self._anyone = _anyone_of(auth)

    def identify(self, authorization: str) -> Caller:
        """Return the client who sent this Authorization header; without one, anyone. Raises NotAuthorized."""
        if not self._clients or (not authorization and self._anyone.roles):
            return self._anyone
        scheme, _, key = authorization.partition(" ")
        is_bearer = scheme.lower() == "bearer"
        client = self.holder(key.strip())
        if client is None or not is_bearer:
            is_wrong = key and is_bearer
            reason = "this key is not known here" if is_wrong else "this service needs a key: Authorization: Bearer KEY"
            raise NotAuthorized(reason, **_CHALLENGE)
        return client

    def holder(self, key: str) -> Caller | None:
        """Return the client whose key this is."""
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
        found = [client for client in self._clients if hmac.compare_digest(digest, client.digest)]
        return found[0] if found else None

    def named(self, name: str) -> Caller | None:
        """Return the client of this name, as long as it has a key."""
        return next((client for client in self._clients if client.name == name), None)


class Addresses:
    """Rates of addresses. An address is forgotten when it has rested for so long that its bucket is full again."""

    def __init__(self, auth: Auth, clock: Callable[[], float]) -> None:
        self._rate = auth.address_rate_limit_per_second
        self._burst = auth.address_rate_limit_burst
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}

    def bucket_of(self, address: str) -> Bucket | None:
        """Return the bucket of an address; None where there is no limit."""
        if self._rate is None:
            return None
        bucket = self._buckets.get(address)
        if bucket is None:
            if len(self._buckets) >= _MOST_ADDRESSES:
                self._forget()
            bucket = self._buckets[address] = Bucket(self._rate, self._burst, self._clock, "address")
        return bucket

    def _forget(self) -> None:
        """Forget those that rest; and the oldest half, if that does not make room."""
        self._buckets = {address: bucket for address, bucket in self._buckets.items() if not bucket.is_full}
        if len(self._buckets) >= _MOST_ADDRESSES:
            newest = list(self._buckets.items())[_MOST_ADDRESSES // 2 :]
            self._buckets = dict(newest)


def client_of(remote: str, forwarded: str | None, proxies: Sequence[str]) -> str:
    """Return the address of a client: the peer's, or what a peer that is one of our proxies says at last.

    Only the last entry of X-Forwarded-For is the proxy's own word; those before it are the client's.
    """
    if forwarded and remote in proxies:
        said = forwarded.rpartition(",")[2].strip().strip("[]")
        with contextlib.suppress(ValueError):
            return str(ipaddress.ip_address(said))
    return remote


def network_of(host: str) -> str:
    """Return what counts as one address: an IPv4 address; of IPv6 the half that a single customer is given."""
    if ":" not in host:
        return host
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Address(int(address) >> 64 << 64)) + "/64"


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches `host`."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def has_duplicates(keys: Sequence[Key]) -> bool:
    """Return whether two clients have the same name, or the same key."""
    return len({key.name for key in keys}) < len(keys) or len({key.sha256 for key in keys}) < len(keys)


def _anyone_of(auth: Auth) -> Caller:
    """Return who comes without a key: may do everything where there are no keys, nothing where there are, or what is
    set.
    """
    if auth.anonymous is not None:
        return Caller("", b"", None, frozenset(auth.anonymous))
    return Caller("", b"", None, frozenset()) if auth.keys else ANYONE


def _new_bucket(auth: Auth, clock: Callable[[], float]) -> Bucket | None:
    if auth.rate_limit_per_second is None:
        return None
    return Bucket(auth.rate_limit_per_second, auth.rate_limit_burst, clock)
