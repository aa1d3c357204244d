"""Acting: merge, split, pin, correct, withhold, release, cancel, erase, undo; each with a reason, and told of.

Every form carries the token of its session, and a form that is sent twice does nothing the second time: what it asks
for is so already, or is told to be.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast, get_args

from aiohttp import web

from wirecopy.schema.actions import Said
from wirecopy.schema.article import Status
from wirecopy.web.http import queries
from wirecopy.web.http.call import Call, check_id
from wirecopy.web.http.problems import InvalidParameter
from wirecopy.web.page import rendering
from wirecopy.web.service import RunningService

if TYPE_CHECKING:
    from wirecopy.detector.detector import Detector

_MOST_BYTES = 2**20
_LONGEST_REASON = 1000
_WAIT_SECONDS = 1.0
_LIMIT, _MOST = 50, 200


async def merge(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /stories/{id}/merge: `with`, another story; `reason`."""
    fields, story_id = await _read(service, call), check_id(call.story)
    other, said = _story_id(_one(fields, "with")), _said(call, fields)
    story = await _change(service, lambda d, now: d.merge(story_id, other, now, said))
    return rendering.redirect(service, call, rendering.path_of("stories", story.id))


async def split(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /stories/{id}/split: `article`, one or several; `reason`."""
    fields, story_id = await _read(service, call), check_id(call.story)
    chosen, said = fields.get("article", []), _said(call, fields)
    if not chosen:
        raise InvalidParameter("choose the articles that are to be parted from the others")
    kept, _ = await _change(service, lambda d, now: d.split(story_id, chosen, now, said))
    return rendering.redirect(service, call, rendering.path_of("stories", kept.id))


async def correct(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /stories/{id}/canonical: `article`; `reason`."""
    fields, story_id = await _read(service, call), check_id(call.story)
    article_id, said = _one(fields, "article"), _said(call, fields)
    story = await _change(service, lambda d, now: d.correct(story_id, article_id, now, said))
    return rendering.redirect(service, call, rendering.path_of("stories", story.id))


async def set_status(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /articles/{id}/status: `status`; `reason`. Of what is canceled, its story has the recall list."""
    fields, article_id = await _read(service, call), check_id(call.id)
    status, said = _one(fields, "status"), _said(call, fields)
    if status not in get_args(Status):
        raise InvalidParameter(f"status must be one of {', '.join(get_args(Status))}")
    done = await _change(service, lambda d, now: d.set_status(article_id, cast(Status, status), now, said))
    is_canceled = done.status == "canceled"
    path = rendering.path_of("stories", done.story) if is_canceled else rendering.path_of("articles", article_id)
    return rendering.redirect(service, call, path)


async def erase(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /articles/{id}/erase: `reason`. It is gone, and cannot come back."""
    fields, article_id = await _read(service, call), check_id(call.id)
    said = _said(call, fields)
    await _change(service, lambda d, now: d.erase(article_id, now, said))
    if service.indexing is not None:
        service.indexing.forget(article_id)
    return rendering.redirect(service, call, "/edits")


async def pins(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /pins: what was pinned together and apart."""
    found = await service.owner.ask(lambda d: d.pins())
    ids = list(dict.fromkeys(name for pin in found for name in (*pin.articles, *pin.others)))[:2000]
    titles = {document.id: document for document in await service.owner.ask(lambda d: d.documents(ids))}
    return rendering.answer(service, call, "pins.html", {"pins": found}, titles=rendering.travelling(titles))


async def pin(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /pins: `article`, two or more, or one in each line; `together`; `reason`."""
    fields = await _read(service, call)
    given = [line.strip() for value in fields.get("article", []) for line in value.split("\n")]
    ids, said, together = [name for name in given if name], _said(call, fields), _one(fields, "together") == "yes"
    await _change(service, lambda d, now: d.pin(ids, together=together, now=now, said=said))
    return rendering.redirect(service, call, "/pins")


async def unpin(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /pins/{id}/cancel: `reason`."""
    fields, pin_id = await _read(service, call), check_id(call.id)
    said = _said(call, fields)
    await _change(service, lambda d, now: d.unpin(pin_id, now, said))
    return rendering.redirect(service, call, "/pins")


async def edits(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /edits?cursor=&limit=: what was done by hand, the newest first."""
    values = {name: value for name, value in call.query.items() if value}
    limit = queries.integer(values, "limit", _LIMIT, 1, _MOST)
    cursor = values.get("cursor")
    found, following = await service.owner.ask(lambda d: d.actions(cursor, limit))
    more = rendering.path_of("edits", cursor=following) if following else None
    ids = list(dict.fromkeys(name for edit in found for name in edit.articles[:4]))
    titles = {document.id: document for document in await service.owner.ask(lambda d: d.documents(ids))}
    data = {"edits": found, "cursor": following}
    return rendering.answer(service, call, "edits.html", data, more=more, titles=rendering.travelling(titles))


async def undo(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /edits/{id}/undo: `reason`; `next`, where to go then."""
    fields, action_id = await _read(service, call), check_id(call.id)
    said = _said(call, fields)
    done = await _change(service, lambda d, now: d.undo(action_id, now, said))
    path = rendering.path_of("stories", done.stories[0]) if fields.get("to_story") and done.stories else "/edits"
    return rendering.redirect(service, call, path)


async def _read(service: RunningService, call: Call) -> dict[str, list[str]]:
    """Return the fields of a form of this very session. Raises CrossOrigin."""
    call.check_same_origin()
    fields = await call.read_form(_MOST_BYTES)
    service.desk.sessions.check_token(call.session, _one(fields, "token"))
    return fields


async def _change(service: RunningService, change: "Callable[[Detector, int], Any]") -> Any:
    """Return what a change returned, once it is on disk, and in the index file, if that is quick."""
    done = await service.owner.change(change)
    if service.indexing is not None:
        await service.indexing.wait_for(service.following.newest, _WAIT_SECONDS)
    return done


def _one(fields: dict[str, list[str]], name: str) -> str:
    return (fields.get(name) or [""])[0]


def _said(call: Call, fields: dict[str, list[str]]) -> Said:
    reason = " ".join(_one(fields, "reason").split())
    if not reason:
        raise InvalidParameter("say why: the reason is kept with what was done, for those who come later")
    return Said(call.session.name if call.session is not None else call.client.name, reason[:_LONGEST_REASON])


def _story_id(given: str) -> str:
    """Return the id in what somebody pasted: an id, or the address of a story."""
    name = given.strip().rstrip("/").rpartition("/")[2].partition("?")[0].removesuffix(".json").removesuffix(".html")
    if not name:
        raise InvalidParameter("name the other story, by its id or its address")
    return name
