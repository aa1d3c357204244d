"""Stories: the list that the desk looks at, and one story with all that is known of it."""

import csv
import io
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from aiohttp import web

from wirecopy.config import Keep
from wirecopy.schema.actions import Action
from wirecopy.schema.answers import Match, Milliseconds, Story
from wirecopy.web.finding import RELATIONS, Asked, find_stories
from wirecopy.web.http import queries, replies
from wirecopy.web.http.call import Call, check_id
from wirecopy.web.http.problems import InvalidParameter
from wirecopy.web.http.sessions import cookie_of
from wirecopy.web.page import pictures, rendering
from wirecopy.web.search.index_file import Wanted
from wirecopy.web.service import RunningService

if TYPE_CHECKING:
    from wirecopy.detector.detector import Detector

ORDERS = ("newest", "biggest", "growing")
OUTLETS_COOKIE = "outlets"
_MOST_OUTLETS, _LONGEST_COOKIE = 60, 3500
_EVENTS = 200
_WITH_SHARES = 60  # members of a story up to which it is told how much each took over
_LIMIT, _MOST = 50, 200


class _Given(dict[str, str]):
    """The parameters that were given; None for the others."""

    def __missing__(self, name: str) -> None:
        return None


async def get_page(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /stories?order=&q=&source=&mine=&language=&since=&until=&min_size=&relation=&cursor=&limit=."""
    values = {name: value for name, value in call.query.items() if value.strip()}
    own = outlets_of(call)
    asked = _asked(values, own)
    lines, cursor = await find_stories(service, asked)
    languages = (
        []
        if service.indexing is None or not call.is_html
        else await service.indexing.ask(lambda file: file.languages())
    )
    data = {"stories": lines, "cursor": cursor}
    return rendering.answer(
        service, call, "stories.html", data, values=_Given(values), order=asked.order, orders=ORDERS,
        relations=RELATIONS,
        outlets=own, languages=languages, last=service.following.newest,
        more=rendering.path_of("stories", **{**values, "cursor": cursor}) if cursor else None,
    )  # fmt: skip


async def choose_outlets(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /outlets: the sources that are mine, remembered by the browser."""
    fields = await call.read_form(2**16)
    service.desk.sessions.check_token(call.session, (fields.get("token") or [""])[0])
    names = list(dict.fromkeys(line.strip() for line in (fields.get("outlets") or [""])[0].split("\n") if line.strip()))
    value = quote(json.dumps(names[:_MOST_OUTLETS], ensure_ascii=False), safe="")
    if len(value) > _LONGEST_COOKIE:
        raise InvalidParameter("these are too many outlets, or too long names, to be remembered by the browser")
    response = rendering.redirect(service, call, rendering.path_of("stories", mine="1" if names else None))
    response.headers.add("Set-Cookie", f"{OUTLETS_COOKIE}={value}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax")
    return response


async def get(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /stories/{id}: the story with its members, who copied whom, its life; 308 to the one it was merged into."""
    story_id, keep = check_id(call.story), queries.policy(call.query)
    story, matches, actions = await service.owner.ask(lambda d: _story_in(d, story_id, keep))
    if story.id != story_id:
        suffix = "" if call.is_html else ".json"
        headers = {**replies.SECURITY, "Location": rendering.path_of("stories", story.id) + suffix}
        return web.Response(status=308, headers=headers)
    life = [] if service.indexing is None else await service.indexing.ask(lambda file: file.life(story.id, _EVENTS))
    missing = [name for name in story.recall if name not in {member.id for member in story.members}][:500]
    elsewhere = await service.owner.ask(lambda d: d.documents(missing)) if missing else []
    rule = await service.owner.ask(lambda d: d.keep())
    chosen = [a for a in actions if a.kind == "corrected" and not a.undone_by and a.after == story.canonical]
    data = {"story": story, "ties": _ties(story, matches), "life": life, "edits": actions}
    return rendering.answer(
        service, call, "story.html", data, growth=pictures.growth(_moments(story)),
        titles=_titles(story) | {document.id: document for document in elsewhere},
        ordered=rendering.travelling(_in_order(story)), why=chosen[0] if chosen else keep or rule,
        last=service.following.newest,
    )  # fmt: skip


async def recall(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /stories/{id}/recall.csv: what is to be recalled, with titles and links."""
    story_id = check_id(call.story)
    ids = (await service.owner.ask(lambda d: d.story(story_id))).recall
    found = await service.owner.ask(lambda d: d.documents(ids))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("id", "source", "title", "url", "first_seen"))
    for document in rendering.travelling(found):
        row = (document["id"], document["source"], document["title"], document["url"])
        writer.writerow([*(_cell(value) for value in row), document["first_seen"].isoformat()])
    name = "".join(c for c in story_id if c.isalnum() or c == "-")
    headers = {"Content-Disposition": f'attachment; filename="recall-{name}.csv"'}
    return replies.content(out.getvalue().encode("utf-8", "replace"), "text/csv; charset=utf-8", headers)


def outlets_of(call: Call) -> tuple[str, ...]:
    """Return the sources that were chosen in this browser."""
    try:
        names = json.loads(unquote(cookie_of(call.request, OUTLETS_COOKIE)) or "[]")
    except ValueError:
        return ()
    if not isinstance(names, list):
        return ()
    return tuple(name for name in names[:_MOST_OUTLETS] if isinstance(name, str))


def _asked(values: dict[str, str], own: tuple[str, ...]) -> Asked:
    order, relation = values.get("order", "newest"), values.get("relation")
    if order not in ORDERS:
        raise InvalidParameter(f"order must be one of {', '.join(ORDERS)}")
    if relation is not None and relation not in RELATIONS:
        raise InvalidParameter(f"relation must be one of {', '.join(RELATIONS)}")
    sources = (values["source"],) if "source" in values else own if values.get("mine") else ()
    wanted = Wanted(
        values.get("q", ""), sources, values.get("language"), queries.moment(values, "since"),
        queries.moment(values, "until"),
    )  # fmt: skip
    return Asked(
        order, wanted, queries.integer(values, "min_size", 1, 1, 10_000_000), relation, values.get("cursor"),
        queries.integer(values, "limit", _LIMIT, 1, _MOST),
    )  # fmt: skip


def _story_in(
    detector: "Detector", story_id: str, keep: Keep | None
) -> tuple[Story[Milliseconds], dict[str, tuple[Match, ...]], list[Action[Milliseconds]]]:
    """Return a story, what its members match, where these are not too many, and what was done to it by hand."""
    story = detector.story(story_id, keep=keep)
    matches: dict[str, tuple[Match, ...]] = {}
    if len(story.members) <= _WITH_SHARES:
        matches = {member.id: detector.matches(member.id) for member in story.members}
    return story, matches, detector.actions_of(story.id)


def _in_order(story: Story[Milliseconds]) -> list[Any]:
    """Return the members by their dates, of equal ones as they came."""
    return sorted(story.members, key=_age)


def _ties(story: Story[Milliseconds], matches: dict[str, tuple[Match, ...]]) -> list[dict[str, Any]]:
    """Return who has it from whom: each member from the earlier one that it matches best.

    Where only best matches are known, of each such pair the later one from the earlier.
    """
    ordered = _in_order(story)
    place = {member.id: k for k, member in enumerate(ordered)}
    ties: list[dict[str, Any]] = []
    for k, member in enumerate(ordered):
        earlier = [match for match in matches.get(member.id, ()) if place.get(match.id, k) < k]
        if earlier:
            best = max(earlier, key=lambda match: (match.score, -place[match.id]))
            share = best.containment.this_in_other
            ties.append(_tie(best.id, member.id, best.relation, best.score, share))
        elif not matches and member.match in place:
            first, second = sorted((member.id, member.match), key=place.__getitem__)
            ties.append(_tie(first, second, member.relation, member.score, None))
    return ties


def _tie(origin: str, copier: str, relation: str | None, score: float | None, share: float | None) -> dict[str, Any]:
    return {"from": origin, "to": copier, "relation": relation, "score": score, "share": share}


def _age(member: Any) -> int:
    published: int | None = member.published
    return member.first_seen if published is None else published


def _moments(story: Story[Milliseconds]) -> list[int]:
    return sorted(_age(member) for member in story.members)


def _titles(story: Story[Milliseconds]) -> dict[str, Any]:
    return {member.id: member for member in story.members}


def _cell(value: str | None) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    text = value or ""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
