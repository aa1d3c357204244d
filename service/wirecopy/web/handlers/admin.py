"""Handlers of what operators ask a running service to do."""

from aiohttp import web

from wirecopy.schema import wire
from wirecopy.web.http import replies
from wirecopy.web.http.call import Call
from wirecopy.web.service import RunningService


async def confirm_clock(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /v1/admin/clock: the machine's clock is right, however far it was moved."""
    call.check_same_origin()
    ahead = service.clock.jump_seconds
    service.clock.confirm()
    await service.owner.change(lambda detector, now: None)
    if ahead:
        service.log.write("clock confirmed", ahead_seconds=round(ahead))
    return replies.json(wire.ClockTaken(ahead))


async def compact(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /v1/admin/compact: no byte of what was deleted is left in the files. Raises Locked, NoRoom."""
    call.check_same_origin()
    if service.indexing is not None:
        await service.indexing.purge()
    before, after = await service.owner.ask(lambda detector: detector.compact())
    return replies.json(wire.Compacted(before, after))
