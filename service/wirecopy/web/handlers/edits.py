"""Handlers of what editors do by hand: merge, split, pin."""

from typing import Any

import msgspec
from aiohttp import web

from wirecopy.errors import InvalidArticle, MalformedArticle
from wirecopy.schema import wire
from wirecopy.web.http import replies
from wirecopy.web.http.call import Call, check_id
from wirecopy.web.service import RunningService


async def merge(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /v1/stories/{id}/merge: two stories are one, on disk."""
    story_id = check_id(call.story)
    other = _read(await call.read_json(), wire.MergeInput).with_
    return replies.json(
        wire.story(await service.owner.change(lambda detector, now: detector.merge(story_id, other, now)))
    )


async def split(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /v1/stories/{id}/split: some of its articles are parted from the others, on disk."""
    story_id = check_id(call.story)
    articles = _read(await call.read_json(), wire.SplitInput).articles
    kept, new = await service.owner.change(lambda detector, now: detector.split(story_id, articles, now))
    return replies.json(wire.Split(wire.story(kept), wire.story(new)))


async def post_pin(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /v1/pins: articles are together or apart from now on, on disk."""
    wish = _read(await call.read_json(), wire.PinInput)
    pin = await service.owner.change(lambda detector, now: detector.pin(wish.articles, together=wish.together, now=now))
    return replies.json(pin, 201)


async def get_pins(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /v1/pins: all pins."""
    return replies.json(wire.PinList(await service.owner.ask(lambda detector: detector.pins())))


async def delete_pin(service: RunningService, call: Call) -> web.StreamResponse:
    """DELETE /v1/pins/{id}: the evidence decides again."""
    pin_id, call.id = check_id(call.id), ""
    await service.owner.change(lambda detector, now: detector.unpin(pin_id, now))
    return replies.nothing()


def _read(data: bytes, type_: type[Any]) -> Any:
    try:
        return msgspec.json.decode(data, type=type_)
    except msgspec.ValidationError as error:
        raise InvalidArticle(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedArticle(f"the body is not JSON: {error}") from None
