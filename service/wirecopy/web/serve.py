"""The life of the service: listen, load, serve, drain, close.

SIGTERM, SIGINT   refuse new work, end open streams, finish what was taken, close: exit 0
a second one      stop waiting for slow requests
still there       five seconds after `drain_timeout_seconds`, or after the second signal: end all the same
SIGHUP            read the keys anew
storage fails     stop at once, with the reason: what was not acknowledged is not kept
"""

import asyncio
import contextlib
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from wirecopy import errors
from wirecopy.config import Auth, Config
from wirecopy.schema.version import VERSION
from wirecopy.web import notification
from wirecopy.web.app import App, build_app
from wirecopy.web.connections import Server
from wirecopy.web.http import access
from wirecopy.web.key_reload import KeyReload
from wirecopy.web.last_resort import LastResort
from wirecopy.web.loading import Loading
from wirecopy.web.log import Handler, Log
from wirecopy.web.search.index_file import NAME

if TYPE_CHECKING:
    from wirecopy.detector.detector import Detector
    from wirecopy.detector.standby import Standby

_BACKLOG = 1024
_SWITCH_SECONDS = 0.0005  # that the loop waits for its turn while another thread computes
_SPARE_DESCRIPTORS = 40  # the store, streams' spools, webhooks, the log


OnReady = Callable[[str], None]


def check(config: Config, *, allow_anonymous: bool) -> None:
    """Raise UsageError when anybody but this machine could use the service without a key, or keys are ambiguous."""
    host = config.service.host
    if access.has_duplicates(config.auth.keys):
        raise errors.UsageError("auth.keys: two clients have the same name or the same key")
    is_anyone_let_in = not config.auth.keys and config.auth.anonymous is None
    if is_anyone_let_in and not allow_anonymous and not access.is_loopback(host):
        raise errors.UsageError(
            f"refusing to listen on {host} without keys: set auth.keys in the configuration (see config.yaml), "
            "or say --allow-anonymous when everyone who can connect may read and write"
        )


def check_files(config: Config) -> None:
    """Raise ConfigError for a file that the settings name and that cannot be read, before anything slow is begun."""
    model = config.detection.model
    if model is not None:
        try:
            with open(model, "rb"):
                pass
        except OSError as error:
            raise errors.ConfigError("detection.model", model, f"cannot be read: {error.strerror}") from None


class Settings(NamedTuple):
    """What the service was started with, and how its keys are read anew: from `file`, if there is one."""

    config: Config
    read_auth: Callable[[], Auth]
    file: str | None = None
    loading: Loading | None = None


def run(settings: Settings, open_detector: "Callable[[], Detector | Standby]", on_ready: OnReady) -> None:
    """Serve until told to stop. `on_ready` hears the URL once articles are taken.

    Raises OSError when it cannot listen, and whatever broke the Detector or its store.
    """
    last_resort = LastResort()
    try:
        asyncio.run(_run(settings, open_detector, on_ready, last_resort))
    finally:
        last_resort.cancel()


async def _run(
    settings: Settings, open_detector: "Callable[[], Detector | Standby]", on_ready: OnReady, last_resort: LastResort
) -> None:
    config = settings.config
    log = Log(is_json=config.service.log_format == "json")
    handler = Handler(log)
    logging.getLogger().addHandler(handler)
    try:
        await _serve(settings, open_detector, on_ready, log, last_resort)
    finally:
        logging.getLogger().removeHandler(handler)
        log.flush()


async def _serve(
    settings: Settings,
    open_detector: "Callable[[], Detector | Standby]",
    on_ready: OnReady,
    log: Log,
    last_resort: LastResort,
) -> None:
    config = settings.config
    config = _within_descriptors(config, log)
    sys.setswitchinterval(_SWITCH_SECONDS)
    loop = asyncio.get_running_loop()
    app = build_app(config, open_detector, log, _index_file(config), settings.loading)
    server = Server(app, app.handle)
    stop, hurry = asyncio.Event(), asyncio.Event()
    _on_signals(loop, stop, hurry, last_resort)
    try:
        listener = await loop.create_server(server, config.service.host, config.service.port, backlog=_BACKLOG)
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno and error.errno > 0 else str(error)
        raise errors.UsageError(f"cannot listen on {config.service.host}:{config.service.port}: {reason}") from None
    url = _url(config.service.host, listener.sockets[0].getsockname()[1])
    log.write("listening", url=url, version=VERSION)
    app.owner.url = config.service.public_url or url

    def tell_ready() -> None:
        app.garbage.set_aside()
        log.write("ready")
        notification.tell_ready()
        on_ready(url)

    app.start()
    app.owner.opened.add_done_callback(lambda opened: None if opened.cancelled() else tell_ready())
    app.owner.promoted.add_done_callback(lambda it: None if it.cancelled() else app.announce())
    searching = loop.create_task(app.garbage.run())
    reloading = loop.create_task(KeyReload(app.keys, settings.read_auth, settings.file, log).run())
    try:
        await _wait_any(stop.wait(), _shielded(app.owner.ended))
        last_resort.begin(config.service.drain_timeout_seconds, log)
        await _drain(app, hurry, config.service.drain_timeout_seconds, log)
    finally:
        searching.cancel()
        reloading.cancel()
        app.begin_stop()
        listener.close()
        await server.close_connections()
        await app.close()
    app.owner.ended.result()  # raises what broke it
    log.write("stopped")


def _index_file(config: Config) -> Path:
    """Return where the index file of searches stands."""
    return Path(config.page.search_file or Path(config.service.data) / NAME)


async def _drain(app: App, hurry: asyncio.Event, seconds: float, log: Log) -> None:
    """Refuse new work and wait for what is under way, for so long at most."""
    app.begin_stop()
    notification.tell_stopping()
    log.write("stopping", seconds=seconds)
    if not app.owner.ended.done():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await _wait_any(app.wait_answered(), hurry.wait(), _shielded(app.owner.ended))


def _on_signals(
    loop: asyncio.AbstractEventLoop, stop: asyncio.Event, hurry: asyncio.Event, last_resort: LastResort
) -> None:
    def heard() -> None:
        if stop.is_set():
            hurry.set()
            last_resort.hurry()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heard)


async def _wait_any(*coroutines: Coroutine[Any, Any, object]) -> None:
    """Return when one of them is done; the others are cancelled."""
    tasks = [asyncio.create_task(one) for one in coroutines]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _shielded(future: "asyncio.Future[None]") -> None:
    """Return when `future` is done, whatever its result; cancelling this leaves it alone."""
    await asyncio.wait([future])


def _within_descriptors(config: Config, log: Log) -> Config:
    """Return the settings with as many connections as the system allows, which is asked for more first. Raises
    UsageError.
    """
    wanted = config.web.max_connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _SPARE_DESCRIPTORS
    if soft < needed:
        soft = max(soft, needed if hard == resource.RLIM_INFINITY else min(needed, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    allowed = soft - _SPARE_DESCRIPTORS
    if allowed >= wanted:
        return config
    if allowed < 1:
        raise errors.UsageError(f"only {soft} files may be open (ulimit -n): {_SPARE_DESCRIPTORS + 1} are needed")
    log.write("fewer connections", max_connections=allowed, wanted=wanted, open_files=soft)
    return replace(config, web=replace(config.web, max_connections=allowed))


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
