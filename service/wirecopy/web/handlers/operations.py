"""Handlers of what operators and orchestrators ask for: health and metrics."""

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path

from aiohttp import web

from wirecopy.schema import wire
from wirecopy.web.http import replies
from wirecopy.web.http.call import Call
from wirecopy.web.metrics import CONTENT_TYPE
from wirecopy.web.service import RunningService


async def live(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /livez: the process answers."""
    return replies.json(wire.Health("live"))


async def ready(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /readyz: the service answers; ?role=writer: it takes articles. Raises NotReady, NotWriter."""
    if call.request.rel_url.query.get("role") == "writer":
        service.check_writes()
    service.check_takes_work()
    jump, role = service.clock.jump_seconds, service.owner.role
    said = f"the machine's clock moved by {jump:.0f} s and is not believed: POST /v1/admin/clock if it is right"
    return replies.json(wire.Readiness("ready", "standby" if role.is_standby else "writer", [said] if jump else []))


async def metrics(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /metrics: counters and gauges for Prometheus; those of the Detector while there is one to ask."""
    gauges: dict[str, float] = {}
    if service.owner.is_ready:
        gauges.update(await service.owner.ask(lambda detector: detector.gauges()))
    gauges |= {
        "ready": float(service.owner.is_ready and not service.is_stopping),
        "writer": float(service.owner.role.is_writer),
        "connections": service.connections,
        "waiting_articles": service.owner.waiting_singles,
        "waiting_bulk_articles": service.owner.waiting_in_batches,
        "held_bytes": service.budget.used,
        "held_answer_bytes": service.answers.used,
        "waiting_questions": service.owner.waiting_questions,
        "clock_ahead_seconds": service.clock.jump_seconds,
        "bulk_streams": len(service.streams),
        "event_streams": len(service.event_streams),
    }
    gauges |= await asyncio.to_thread(_disk, service.data)
    return replies.content(service.metrics.render(gauges, service.webhooks.lags()), CONTENT_TYPE)


def _disk(folder: Path) -> dict[str, float]:
    """Return how much the data folder holds and how much room there is; nothing while there is no such folder."""
    found: dict[str, float] = {}
    with suppress(OSError):
        found["data_bytes"] = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
        found["free_disk_bytes"] = shutil.disk_usage(folder).free
    return found
