"""Sessions: who signed in on the page, in a cookie that scripts cannot read and nobody can forge.

The cookie names the key's client and the person, and is signed with a secret that lives as long as the process; what
the key may do is asked again with every request, so that a key that is taken away is away. Forms carry a token that is
made of the cookie: no other site knows it.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from http.cookies import CookieError, SimpleCookie

import msgspec
from aiohttp import web

from wirecopy.web.http.access import Caller, Keys
from wirecopy.web.http.problems import CrossOrigin

COOKIE = "wirecopy"
_MOST_COOKIE = 4096
LONGEST_NAME = 80  # characters of a person's name


class Session(msgspec.Struct, frozen=True):
    """`client`: of which key, empty without one; `person`: who says so; `until`: seconds since 1970."""

    client: str
    person: str
    until: int
    nonce: str
    bound: str = ""
    cookie: str = ""

    @property
    def name(self) -> str:
        """Who is told to have done what is done in it."""
        if self.person and self.client:
            return f"{self.person} ({self.client})"
        return self.person or self.client


class Sessions:
    """Makes and reads cookies."""

    def __init__(self, keys: Keys, hours: float) -> None:
        self._keys = keys
        self._seconds = int(hours * 3600)
        self._secret = secrets.token_bytes(32)

    def begin(self, client: Caller | None, person: str) -> Session:
        """Return a session of whoever holds a client's key; without one, of anybody."""
        until = int(time.time()) + self._seconds
        bound = self._bind(client) if client is not None else ""
        plain = Session(client.name if client else "", person[:LONGEST_NAME], until, secrets.token_urlsafe(12), bound)
        return msgspec.structs.replace(plain, cookie=self._sign(plain))

    def read(self, request: web.BaseRequest) -> Session | None:
        """Return the session of a request; None without one, and for one that is over, forged or of a key that went."""
        value = cookie_of(request, COOKIE)
        packed, _, signature = value.partition(".")
        if not value or not _are_equal(self._digest(packed), signature):
            return None
        try:
            session = msgspec.json.decode(base64.urlsafe_b64decode(packed), type=Session)
        except (binascii.Error, msgspec.DecodeError, ValueError):
            return None
        if session.until < time.time():
            return None
        if session.client:
            client = self._keys.named(session.client)
            if client is None or not hmac.compare_digest(
                self._bind(client).encode(), session.bound.encode("utf-8", "replace")
            ):
                return None
        return msgspec.structs.replace(session, cookie=value)

    def client_of(self, session: Session) -> Caller | None:
        """Return whose key a session was begun with."""
        return self._keys.named(session.client) if session.client else None

    def token(self, session: Session) -> str:
        """Return what each form of a session carries."""
        return self._digest("form " + session.cookie)

    def check_token(self, session: Session | None, token: str) -> None:
        """Raise CrossOrigin for a form that was not made for this session."""
        if session is None or not _are_equal(self.token(session), token):
            raise CrossOrigin("this form is out of date: load the page again, and send it once more")

    def header(self, session: Session, *, is_secure: bool) -> str:
        """Return the Set-Cookie header that begins a session."""
        secure = "; Secure" if is_secure else ""
        return f"{COOKIE}={session.cookie}; Path=/; Max-Age={self._seconds}; HttpOnly; SameSite=Lax{secure}"

    def _sign(self, session: Session) -> str:
        packed = base64.urlsafe_b64encode(msgspec.json.encode(session)).decode()
        return f"{packed}.{self._digest(packed)}"

    def _bind(self, client: Caller) -> str:
        return self._digest("key " + client.digest.hex())

    def _digest(self, text: str) -> str:
        return hmac.new(self._secret, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _are_equal(own: str, given: str) -> bool:
    """Return whether two strings are the same, in a time that tells nothing."""
    return hmac.compare_digest(own.encode(), given.encode("utf-8", "replace"))


def cookie_of(request: web.BaseRequest, name: str) -> str:
    """Return the value of a cookie, empty without one or where the header is broken."""
    header = request.headers.get("Cookie", "")
    if not header or len(header) > 2 * _MOST_COOKIE:
        return ""
    try:
        morsel = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return "" if morsel is None else morsel.value
