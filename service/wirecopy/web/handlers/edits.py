"""Handlers of what editors do by hand: merge, split, pin."""

from typing import Any

import msgspec
from aiohttp import web

from wirecopy.errors import InvalidArticle, MalformedArticle
from wirecopy.schema import wire
from wirecopy.schema.actions import Said
from wirecopy.web.handlers.events import MAX_SEQ
from wirecopy.web.handlers.stories import DEFAULT_LIMIT, MAX_LIMIT
from wirecopy.web.http import queries, replies
from wirecopy.web.http.call import Call, check_id
from wirecopy.web.service import RunningService

DEFAULT_PINS = 100
MAX_PINS = 1000


async def merge(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /v1/stories/{id}/merge: two stories are one, on disk."""
    story_id = check_id(call.story)
    wish = _read(await call.read_json(), wire.MergeInput)
    said = Said(call.client.name, wish.reason)
    story = await service.owner.change(lambda detector, now: detector.merge(story_id, wish.with_, now, said))
    return replies.json(wire.story(story))


async def split(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /v1/stories/{id}/split: some of its articles are parted from the others, on disk."""
    story_id = check_id(call.story)
    wish = _read(await call.read_json(), wire.SplitInput)
    said = Said(call.client.name, wish.reason)
    kept, new = await service.owner.change(lambda detector, now: detector.split(story_id, wish.articles, now, said))
    return replies.json(wire.Split(wire.story(kept), wire.story(new)))


async def post_pin(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /v1/pins: articles are together or apart from now on, on disk."""
    wish = _read(await call.read_json(), wire.PinInput)
    said = Said(call.client.name, wish.reason)
    pin = await service.owner.change(
        lambda detector, now: detector.pin(wish.articles, together=wish.together, now=now, said=said)
    )
    return replies.json(pin, 201)


async def get_pins(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /v1/pins?after=&limit=: pins, the oldest first, a page at a time."""
    after = queries.integer(call.query, "after", 0, 0, MAX_SEQ)
    limit = queries.integer(call.query, "limit", DEFAULT_PINS, 1, MAX_PINS)
    pins, following = await service.owner.ask(lambda detector: detector.pins_behind(after, limit))
    return replies.json(wire.PinList(pins, following))


async def delete_pin(service: RunningService, call: Call) -> web.StreamResponse:
    """DELETE /v1/pins/{id}: the evidence decides again."""
    pin_id, call.id = check_id(call.id), ""
    said = Said(call.client.name)
    await service.owner.change(lambda detector, now: detector.unpin(pin_id, now, said))
    return replies.nothing()


async def correct(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /v1/stories/{id}/canonical: an article stands for the story, on disk, whatever the policy says."""
    story_id = check_id(call.story)
    wish = _read(await call.read_json(), wire.CorrectionInput)
    said = Said(call.client.name, wish.reason)
    story = await service.owner.change(lambda detector, now: detector.correct(story_id, wish.article, now, said))
    return replies.json(wire.story(story))


async def get_page(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /v1/edits?cursor=&limit=: what was done by hand, the newest first: who, when, why."""
    limit = queries.integer(call.query, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
    cursor = call.query.get("cursor")
    found, following = await service.owner.ask(lambda detector: detector.actions(cursor, limit))
    return replies.json(wire.ActionPage([wire.action(one) for one in found], following))


async def undo(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /v1/edits/{id}/undo: it is taken back, on disk; a story that was merged has its id again."""
    edit_id, call.id = check_id(call.id), ""
    said = Said(call.client.name, _read(await call.read_json(), wire.ReasonInput).reason)
    done = await service.owner.change(lambda detector, now: detector.undo(edit_id, now, said))
    return replies.json(wire.action(done))


def _read(data: bytes, type_: type[Any]) -> Any:
    try:
        return msgspec.json.decode(data, type=type_)
    except msgspec.ValidationError as error:
        raise InvalidArticle(str(error)) from None
    except RecursionError:
        raise MalformedArticle("the body is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedArticle(f"the body is not JSON: {error}") from None
