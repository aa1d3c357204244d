"""Webhooks: every event of the feed is sent on, in order, at least once, however long the receiver is away.

One task per webhook: wait for events, read the page behind its place, POST it, go on when the receiver has answered
with 2xx. What fails is read again before it is sent again, after pauses that double. So nothing is queued for anybody:
what waits for a receiver is a number, and what was taken out of the feed meanwhile is not sent any more.

Places are stored as records beside the events, at most once a second, all together, and when the service stops. They
are part of the log that they point into: a backup has both, a folder that lost its end has lost both. After `kill -9`
what was delivered in the last second may come again, and nothing else does.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import time
import traceback
from contextlib import suppress

import aiohttp
import msgspec

from wirecopy import config, errors
from wirecopy.schema.version import VERSION
from wirecopy.schema.wire import Delivery
from wirecopy.web.feed.following import Follower, Following
from wirecopy.web.feed.targets import LoopbackResolver, Target, read_hosts, read_targets
from wirecopy.web.log import Log
from wirecopy.web.metrics import Metrics
from wirecopy.web.owner import Owner

_SAVE_EVERY_SECONDS = 1.0

_encode = msgspec.json.Encoder().encode


class WebhookSender:
    """All webhooks of a service. Belongs to the event loop that made it."""

    def __init__(
        self, settings: config.Webhooks, owner: Owner, following: Following, metrics: Metrics, log: Log
    ) -> None:
        """Raise ConfigError as `read_targets` does."""
        self._settings = settings
        self._targets = read_targets(settings)
        self._allowed_hosts = read_hosts(settings)
        self._owner = owner
        self._following = following
        self._metrics = metrics
        self._log = log
        self._hooks: list[_Webhook] = []
        self._saved: dict[str, int] = {}
        self._stopping = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Deliver from now on; to be called once the Detector is open."""
        if self._targets and not self._stopping.is_set():
            self._running = asyncio.create_task(self._run())

    def stop(self) -> None:
        """Begin no further delivery; what is under way may end."""
        self._stopping.set()
        for hook in self._hooks:
            hook.follower.stop()

    async def wait_stopped(self) -> None:
        """After `stop`: return when no delivery is under way, and all places are stored."""
        if self._running is not None:
            await asyncio.wait([self._running])

    async def close(self) -> None:
        """Cut off what is under way, and store all places."""
        self.stop()
        if self._running is not None:
            self._running.cancel()
            await self.wait_stopped()

    def lags(self) -> dict[str, int]:
        """By name, how many events there are behind the last that was delivered or passed over."""
        return {hook.target.name: max(0, self._following.newest - hook.place) for hook in self._hooks}

    async def _run(self) -> None:
        try:
            with suppress(errors.WirecopyError):  # the service ends already, for reasons that it tells itself
                self._saved, newest = await self._owner.ask(lambda it: (it.positions(), it.last_event))
                if not self._stopping.is_set():
                    await self._deliver(newest)
        except Exception as error:  # noqa: BLE001 - nobody waits for this task's result
            self._log.write("internal error", traceback="".join(traceback.format_exception(error)))

    def _session(self) -> aiohttp.ClientSession:
        """Make connections anew for each delivery, so that where they lead is looked at each time."""
        resolver = LoopbackResolver(self._allowed_hosts)
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, force_close=True),
            timeout=aiohttp.ClientTimeout(total=self._settings.timeout_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def _deliver(self, newest: int) -> None:
        """Deliver until told to stop; a webhook that is new begins with the oldest event or behind the newest."""
        try:
            async with self._session() as session, asyncio.TaskGroup() as group:
                for target in self._targets:
                    place = self._saved.get(target.name, 0 if target.is_from_oldest else newest)
                    follower = Follower(self._following, place)
                    hook = _Webhook(target, follower, session, self._settings, self._metrics, self._log)
                    self._hooks.append(hook)
                    group.create_task(hook.run())
                while not self._stopping.is_set():
                    await self._save()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_SAVE_EVERY_SECONDS):
                            await self._stopping.wait()
        finally:
            await self._save()

    async def _save(self) -> None:
        """Store the places that changed; when that cannot be now, a later call does it, or the service is ending."""
        places = {hook.target.name: hook.place for hook in self._hooks}
        changed = {name: place for name, place in places.items() if self._saved.get(name) != place}
        if changed:
            with suppress(errors.WirecopyError):
                await self._owner.change(lambda detector, _: detector.place(changed))
                self._saved |= changed


class _Webhook:
    """One receiver, and how far it got: `place` is the number of the last event that needs no delivery any more."""

    def __init__(
        self,
        target: Target,
        follower: Follower,
        session: aiohttp.ClientSession,
        settings: config.Webhooks,
        metrics: Metrics,
        log: Log,
    ) -> None:
        self.target = target
        self.follower = follower
        self.place = follower.after
        self._session = session
        self._settings = settings
        self._metrics = metrics
        self._log = log
        self._missed_until: int | None = None
        self._failures = 0
        metrics.expect_webhook(target.name)

    async def run(self) -> None:
        """Deliver until stopped."""
        while not self.follower.is_stopped:
            if self._missed_until is None and not await self.follower.wait(None):
                return
            try:
                await self._deliver_next()
            except (aiohttp.ClientError, TimeoutError, OSError, errors.WirecopyError) as error:
                await self._fail(str(error) or type(error).__name__)
            except Exception as error:  # noqa: BLE001 - one receiver's odd answer must not end the others
                await self._fail("".join(traceback.format_exception(error)))
            else:
                self._failures = 0

    async def _deliver_next(self) -> None:
        """Send what is behind the place, and go on to there. Raises what goes wrong."""
        try:
            page = await self.follower.page()
        except errors.EventsGone as gone:
            if gone.oldest is None:
                raise
            self._skip(gone.oldest)
            return
        events = [event for event in page.events if event.type in self.target.types]
        if events or self._missed_until is not None:
            number = f"{self.target.name}-{self.follower.after}-{page.next}"  # the same when it is sent again
            await self._post(number, _encode(Delivery(events, page.next, self._missed_until)))
            self._metrics.count_delivery(self.target.name, is_taken=True)
        self._missed_until = None
        self.follower.after = self.place = page.next

    async def _post(self, number: str, body: bytes) -> None:
        """Raise ServiceRefused for any answer but 2xx."""
        moment = int(time.time())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"wirecopy/{VERSION}",
            "Wirecopy-Webhook": self.target.name,
            "Wirecopy-Signature": sign(self.target.secret, moment, body),
            **standard_headers(self.target.secret, number, moment, body),
        }
        sent = self._session.post(self.target.url, data=body, headers=headers, allow_redirects=False)
        async with sent as answer:
            if not 200 <= answer.status < 300:
                raise errors.ServiceRefused(answer.status, "about:blank", answer.reason or "", "")

    def _skip(self, oldest: int) -> None:
        """Go on with the oldest event that is kept; the receiver is told."""
        self._missed_until = oldest - 1
        self._metrics.count_missed(self.target.name, oldest - 1 - self.follower.after)
        self._log.write("webhook missed events", webhook=self.target.name, after=self.place, until=oldest - 1)
        self.follower.after = oldest - 1

    async def _fail(self, reason: str) -> None:
        """Say so, and wait for the next attempt."""
        self._failures += 1
        pause = pause_after(self._failures, self._settings)
        self._metrics.count_delivery(self.target.name, is_taken=False)
        self._log.write("webhook failed", webhook=self.target.name, reason=reason, after=self.place, pause=pause)
        await self.follower.pause(pause)


def sign(secret: bytes, moment: int, body: bytes) -> str:
    """Return the header that vouches for a body: when it was sent, in seconds since 1970, and the HMAC of both."""
    digest = hmac.new(secret, b"%d." % moment + body, hashlib.sha256)
    return f"t={moment},v1={digest.hexdigest()}"


def standard_headers(secret: bytes, number: str, moment: int, body: bytes) -> dict[str, str]:
    """Return the same as the specification Standard Webhooks has it, for which many languages have a library.

    A secret that begins with `whsec_` is the key in base64 behind it, as that has it; any other is the key itself.
    """
    with suppress(binascii.Error):
        secret = base64.b64decode(secret[6:], validate=True) if secret.startswith(b"whsec_") else secret
    digest = hmac.new(secret, f"{number}.{moment}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": number, "webhook-timestamp": str(moment), "webhook-signature": signature}


def pause_after(failures: int, settings: config.Webhooks) -> float:
    """Return seconds between a failure and the next attempt, after so many failures in a row: doubled each time."""
    return min(settings.max_retry_seconds, settings.first_retry_seconds * 2.0 ** min(failures - 1, 64))
