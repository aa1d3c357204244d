"""The service: what a request passes on its way to its handler, and on its way back.

A handler either returns the answer or raises; here, and nowhere else, what was raised becomes an answer. There is no
stack of middleware and no task per request beyond the framework's own: one function tells the whole way.
"""

import asyncio
import re
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from wirecopy import errors
from wirecopy.config import Config
from wirecopy.web import routes
from wirecopy.web.http import cross_origin, problems, queries, replies
from wirecopy.web.http.call import Call
from wirecopy.web.indexing import Indexing
from wirecopy.web.loading import Loading
from wirecopy.web.log import Log
from wirecopy.web.page import rendering
from wirecopy.web.route import Handler, Route
from wirecopy.web.search.index_file import IndexFile
from wirecopy.web.service import RunningService

if TYPE_CHECKING:
    from wirecopy.detector.detector import Detector
    from wirecopy.detector.standby import Standby

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SHOWN_PATH = 200  # characters of a path in the log
_METHODS = frozenset(("DELETE", "GET", "HEAD", "POST", "PUT"))
_CLIENT_LEFT = 499  # what is logged when nobody waits for the answer any more


class App(RunningService):
    """The service as one that answers. `handle` is the low-level server's handler."""

    def __init__(
        self,
        config: Config,
        open_detector: "Callable[[], Detector | Standby]",
        log: Log,
        loading: Loading | None = None,
    ) -> None:
        super().__init__(config, open_detector, log, loading)
        self._under_way = 0
        self._all_answered = asyncio.Event()
        self._all_answered.set()
        self._id_prefix = secrets.token_hex(4)
        self._id_count = 0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, log it, count it."""
        started = time.perf_counter()
        call = Call(request, self._request_id(request), self.web, self.budget)
        call.cross_origin = cross_origin.headers_for(request, self.desk.settings.cross_origins)
        problem, as_of = None, self.owner.role.as_of  # the answer knows of this record, and maybe of later ones
        self._begin()
        try:
            response = cross_origin.preflight(request, call.cross_origin) or await self._admit(call)(self, call)
            if isinstance(response, replies.Answer):
                response.hold(self.answers)
        except ConnectionError as error:
            self._report(call, _CLIENT_LEFT, started, "client-left")
            raise replies.gone(error) from None
        except Exception as error:  # noqa: BLE001 - the one place where everything becomes an answer
            self.count_problem(call, error)
            if request.writer.output_size > 0:
                raise ConnectionResetError("the answer has begun; all that is left is to cut it off") from None
            response = self._answer_error(call, error)
            problem = problems.kind_of(error).name
        finally:
            call.finish()
            self._end()
        response.headers["X-Request-Id"] = call.request_id
        response.headers.update(call.cross_origin)
        if as_of is not None:
            response.headers["Wirecopy-As-Of"] = str(as_of)
        if self.is_stopping:
            response.force_close()
        self._report(call, response.status, started, problem)
        return response

    def start(self) -> None:
        """Open the Detector in the thread that will own it; answer meanwhile that the service is loading."""
        self.owner.start()
        self.owner.opened.add_done_callback(lambda opened: None if opened.cancelled() else _begin(self))
        self.owner.promoted.add_done_callback(lambda promoted: None if promoted.cancelled() else self.webhooks.start())

    def announce(self) -> None:
        """Tell standbys where the writer is, once it is known who that is and where."""

        async def tell(url: str) -> None:
            with suppress(errors.WirecopyError):
                await self.owner.ask(lambda detector: detector.tell_url(url))

        if self.owner.url is not None:
            self._announcing = asyncio.ensure_future(tell(self.owner.url))

    def begin_stop(self) -> None:
        """Refuse what comes from now on, and let open streams end."""
        self.is_stopping = True
        self.loading.stop()
        for stream in self.streams:
            stream.stop()
        for event_stream in self.event_streams:
            event_stream.stop()
        self.webhooks.stop()

    async def wait_answered(self) -> None:
        """Return when no request is under way, and after `begin_stop` no delivery either."""
        await self._all_answered.wait()
        await self.webhooks.wait_stopped()

    async def close(self) -> None:
        """Finish what was taken, and close the Detector; what is being delivered is cut off."""
        self.worker.close()
        await self.webhooks.close()
        await self.desk.close()
        if self.indexing is not None:
            await self.indexing.close()
        await self.owner.close()

    def _answer_error(self, call: Call, error: Exception) -> web.StreamResponse:
        """Return the answer that says what went wrong, to a person as a page."""
        if call.is_html:
            return rendering.problem(self, call, error)
        return problems.respond(error, call.request_id, call.tally)

    def _admit(self, call: Call) -> Handler:
        """Return the handler of a call that may be made now. Raises what forbids it."""
        self.hosts.check(call.request)
        route = routes.find(call)
        handler = routes.handler_of(route, call.request.method)
        if route.is_page:
            call.session = self.desk.sessions.read(call.request)
        if not route.is_open:
            self._identify(call, route)
        if route.needs_detector:
            self.check_takes_work()
            if route.changes(call.request.method):
                self._send_on(call)
        parameters = route.taken_by(call.request.method)
        if parameters is not None:
            call.query = queries.read(call.request, parameters)
        return handler

    def _send_on(self, call: Call) -> None:
        """On a standby, raise what leads to the writer."""
        role = self.owner.role
        if role.is_standby and role.writer_url is not None and role.writer_url != self.owner.url:
            where = role.writer_url.rstrip("/") + call.request.rel_url.raw_path_qs
            raise problems.SentOn(f"this is a standby; the writer is {role.writer_url}", Location=where)
        self.check_writes()

    def _identify(self, call: Call, route: Route) -> None:
        """Find out who asks, which must be somebody who may. Wrong keys count against their address."""
        address = self.addresses.bucket_of(self.network_of_client(call))
        if address is not None:
            address.take()
        signed_in = None if call.session is None else self.desk.sessions.client_of(call.session)
        call.client = signed_in or self.keys.identify(call.request.headers.get("Authorization", ""))
        if call.client.bucket is not None:
            call.client.bucket.take()
        call.client.check_may(route.role_for(call.request.method))

    def _request_id(self, request: web.BaseRequest) -> str:
        given = request.headers.get("X-Request-Id")
        if given is not None and _REQUEST_ID.fullmatch(given):
            return given
        self._id_count += 1
        return f"{self._id_prefix}-{self._id_count:x}"

    def _begin(self) -> None:
        self._under_way += 1
        self._all_answered.clear()

    def _end(self) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._all_answered.set()

    def _report(self, call: Call, status: int, started: float, problem: str | None) -> None:
        seconds = time.perf_counter() - started
        request, tally = call.request, call.tally
        method = request.method if request.method in _METHODS else "other"
        self.metrics.count_request(method, call.route, status, seconds)
        self.log.write(
            "request",
            request=call.request_id,
            method=method,
            path=request.rel_url.raw_path[:_SHOWN_PATH],
            status=status,
            ms=round(seconds * 1000, 2),
            id=call.id,
            story=call.story,
            lines=call.lines if tally is None else tally.lines,
            taken=None if tally is None else tally.taken,
            replayed=None if tally is None else tally.replayed,
            refused=None if tally is None else tally.refused,
            left_out=call.warnings if tally is None else tally.left_out or None,
            client=call.client.name,
            problem=problem,
        )


def build_app(
    config: Config,
    open_detector: "Callable[[], Detector | Standby]",
    log: Log,
    index_file: Path | None = None,
    loading: Loading | None = None,
) -> App:
    """Return the service, which listens nowhere and loads nothing yet: see `App.start`. Needs a running loop.

    With `index_file`, articles can be found by their words, unless that is turned off. `open_detector` may tell
    `loading` how far it is.
    """
    app = App(config, open_detector, log, loading)
    if index_file is not None and config.page.search:
        app.indexing = Indexing(IndexFile(index_file), app.owner, app.following, log)
    return app


def _begin(app: App) -> None:
    """Start what follows the feed, now that there is one; webhooks are the writer's, see `App.start`."""
    asyncio.get_running_loop().run_in_executor(None, rendering.warm)
    if app.indexing is not None:
        app.indexing.start()
