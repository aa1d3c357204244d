"""What handlers, connections and followers may touch: limits, settings, the owner, what is open, metrics, log.

They receive this, not the application: so the application may import them, and nothing imports it but `serve`.
"""

import asyncio
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from aiohttp import web

from wirecopy import errors
from wirecopy.config import Config
from wirecopy.schema import wire
from wirecopy.schema.formats import known
from wirecopy.schema.formats.found import Format
from wirecopy.schema.intake import IntakeParser
from wirecopy.web.clock import Clock
from wirecopy.web.crowding import Crowding
from wirecopy.web.desk.desk import Desk
from wirecopy.web.feed.following import Following
from wirecopy.web.feed.webhooks import WebhookSender
from wirecopy.web.garbage import Garbage
from wirecopy.web.http import problems
from wirecopy.web.http.access import Addresses, Keys, client_of, network_of
from wirecopy.web.http.budget import Budget
from wirecopy.web.http.call import Call
from wirecopy.web.http.hosts import Hosts
from wirecopy.web.indexing import Indexing
from wirecopy.web.loading import Loading
from wirecopy.web.log import Log
from wirecopy.web.metrics import Metrics
from wirecopy.web.owner import Owner
from wirecopy.web.refused import RefusedLines
from wirecopy.web.worker import Worker

if TYPE_CHECKING:
    from wirecopy.detector.detector import Detector
    from wirecopy.detector.standby import Standby


class Stoppable(Protocol):
    """An answer that stays open until it is told to end."""

    def stop(self) -> None:
        """End soon, with what was begun."""


class RunningService:
    """The parts of a running service that more than one request uses."""

    def __init__(
        self,
        config: Config,
        open_detector: "Callable[[], Detector | Standby]",
        log: Log,
        loading: Loading | None = None,
    ) -> None:
        self.loading = loading or Loading()
        self.limits = config.limits
        self.intake = IntakeParser.of(config.limits, config.intake)
        self.web = config.web
        self.data = Path(config.service.data)
        self.log = log
        public = [] if config.service.public_url is None else [str(urlsplit(config.service.public_url).netloc)]
        self.hosts = Hosts(config.service.host, [*config.web.hosts, *public])
        self.keys = Keys(config.auth, time.monotonic)
        self.addresses = Addresses(config.auth, time.monotonic)
        self.metrics = Metrics()
        self.budget = Budget(config.web.max_held_bytes)
        self.answers = Budget(config.web.max_held_answer_bytes)
        self.following = Following(self.read_events)
        self.clock = Clock(config.service.max_clock_jump_seconds, config.service.clock_patience_seconds)
        self.owner = Owner(
            open_detector,
            max_waiting=config.service.max_waiting_articles,
            max_batch=config.service.max_batch_articles,
            max_questions=config.service.max_waiting_questions,
            clock=self.clock,
            on_pruned=self._tell_pruned,
            on_commit=self.metrics.count_commit,
            on_events=self.following.tell,
        )
        self.webhooks = WebhookSender(config.webhooks, self.owner, self.following, self.metrics, log)
        self.superdesk_secret = read_superdesk_secret(config.intake.superdesk_secret_file)
        self.refused = RefusedLines(config.web.max_refused_lines)
        self.desk = Desk(config.page, self.keys, self.owner, self.following)
        self.indexing: Indexing | None = None
        self.worker = Worker(config.web.markup_timeout_seconds, config.web.max_markup_memory_bytes)
        self.streams: set[Stoppable] = set()
        self.event_streams: set[Stoppable] = set()
        self.crowding = Crowding(config.web.max_connections, config.web.max_connections_per_address)
        self.garbage = Garbage(lambda: self.connections)
        self.is_stopping = False

    def _tell_pruned(self, articles: int) -> None:
        """Retention took articles away: the log and the metrics say how many; and whether the clock can be believed."""
        if articles:
            self.metrics.count_pruned(articles)
            self.log.write("retention", articles=articles)
        if self.clock.jump_seconds:
            self.log.write("clock refused", ahead_seconds=round(self.clock.jump_seconds), refused=self.clock.refused)

    @property
    def connections(self) -> int:
        """How many are open."""
        return self.crowding.count

    def reading(self, form: Format) -> known.WireRequest:
        """Return how documents of a format are read."""
        return known.WireRequest(form.name, self.limits, self.intake.zone, self.intake.is_strict)

    def network_of_client(self, call: Call) -> str:
        """Return the network of whoever sent a request, behind a proxy of ours as well."""
        request = call.request
        forwarded = request.headers.get("X-Forwarded-For")
        return network_of(client_of(request.remote or "", forwarded, self.web.proxies))

    def check_takes_work(self) -> None:
        """Raise NotReady while the service loads or stops."""
        if self.is_stopping:
            raise errors.NotReady("the service is stopping")
        if not self.owner.is_ready:
            raise errors.NotReady(f"the service is {self.loading.doing}")

    def check_writes(self) -> None:
        """Raise NotWriter while this is a standby, NotReady while it is neither."""
        self.check_takes_work()
        if not self.owner.role.is_writer:
            raise errors.NotWriter(self.owner.role.writer_url)

    def count_problem(self, call: Call, error: Exception) -> None:
        """Count what a client is about to be told; of a bug, the log gets the traceback."""
        kind = problems.kind_of(error)
        self.metrics.count_problem(kind.name)
        if kind is problems.INTERNAL:
            trace = "".join(traceback.format_exception(error))
            self.log.write("internal error", request=call.request_id, traceback=trace)

    def respond_to_stranger(self, error: Exception) -> web.Response:
        """Return the answer to bytes that never became a request."""
        self.metrics.count_problem(problems.kind_of(error).name)
        return problems.respond(error)

    async def read_events(self, after: int, limit: int) -> wire.EventPage:
        """Return at most `limit` events behind `after`, read beside the thread that decides. Raise EventsGone."""
        read = await self.owner.ask(lambda detector: detector.events_reader(after, limit))
        found = await asyncio.to_thread(read)
        return wire.EventPage([wire.event(event) for event in found], found[-1].seq if found else after)


def read_superdesk_secret(file: str | None) -> bytes | None:
    """Return the secret in a file, None without one. Raises ConfigError."""
    if file is None:
        return None
    try:
        secret = Path(file).read_bytes().strip()
    except OSError as error:
        reason = f"{file} cannot be read: {error.strerror}"
        raise errors.ConfigError("configuration", "intake.superdesk_secret_file", reason) from None
    if not secret:
        raise errors.ConfigError("configuration", "intake.superdesk_secret_file", f"{file} is empty")
    return secret
