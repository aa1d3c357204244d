"""Handlers of what operators and developers ask for: health, metrics, the description of the API."""

from functools import cache
from typing import TYPE_CHECKING

from aiohttp import web

from wirecopy.schema import wire
from wirecopy.web.docs import openapi as description
from wirecopy.web.docs import page
from wirecopy.web.http import replies
from wirecopy.web.http.call import Call
from wirecopy.web.metrics import CONTENT_TYPE as METRICS_TYPE

if TYPE_CHECKING:
    from wirecopy.web.app import App


async def live(app: "App", call: Call) -> web.StreamResponse:
    """GET /livez: the process answers."""
    return replies.json(wire.Health("live"))


async def ready(app: "App", call: Call) -> web.StreamResponse:
    """GET /readyz: the service takes articles. Raises NotReady."""
    app.check_takes_work()
    return replies.json(wire.Health("ready"))


async def metrics(app: "App", call: Call) -> web.StreamResponse:
    """GET /metrics: counters and gauges for Prometheus; those of the Detector while there is one to ask."""
    gauges: dict[str, float] = {}
    if app.intake.is_ready:
        gauges.update(await app.intake.ask(lambda detector: detector.gauges()))
    gauges |= {
        "ready": float(app.intake.is_ready and not app.is_stopping),
        "connections": app.connections,
        "waiting_articles": app.intake.waiting_singles,
        "waiting_bulk_articles": app.intake.waiting_in_batches,
        "held_bytes": app.budget.used,
        "bulk_streams": len(app.streams),
        "event_streams": len(app.event_streams),
    }
    return replies.content(app.metrics.render(gauges, app.webhooks.lags()), METRICS_TYPE)


async def openapi(app: "App", call: Call) -> web.StreamResponse:
    """GET /openapi.json: what the service takes and answers."""
    return replies.content(description.as_json(), "application/json")


async def docs(app: "App", call: Call) -> web.StreamResponse:
    """GET /docs: the same, to read."""
    body, policy = _page()
    return replies.content(body, "text/html; charset=utf-8", {"Content-Security-Policy": policy})


@cache
def _page() -> tuple[bytes, str]:
    return page.render(description.describe())
