"""Handlers that say why: what two articles share, what holds a story together.

The owner of the Detector only fetches what is needed; the comparing is done in a thread of its own, so that two long
texts hold nobody up.
"""

from functools import partial

from aiohttp import web

from wirecopy.config import Limits
from wirecopy.errors import InvalidArticle
from wirecopy.schema.article import decode
from wirecopy.web.http import queries, replies
from wirecopy.web.http.call import Call, check_id
from wirecopy.web.service import RunningService


async def match(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /v1/articles/{id}/matches/{other}: why two articles match, or do not."""
    return await _explain(service, call, None)


async def match_texts(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /v1/articles/{id}/matches/{other}: the same with the texts that the caller has."""
    return await _explain(service, call, _texts_in(await call.read_json(), service.limits))


async def why(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /v1/stories/{id}/why?keep=: the link that holds each member to the story."""
    story_id = check_id(call.story)
    keep = queries.policy(call.query)
    return replies.json(await service.owner.ask(lambda detector: detector.why(story_id, keep=keep)))


async def _explain(service: RunningService, call: Call, texts: tuple[str, str] | None) -> web.StreamResponse:
    from wirecopy.detector.answers.explain import explain  # the compiled kernels: not before the service listens

    a, b = check_id(call.id), check_id(call.other_id)
    pair = await service.owner.ask(lambda detector: detector.pair(a, b))
    return replies.json(await service.owner.work_aside(partial(explain, pair, texts)))


def _texts_in(data: bytes, limits: Limits) -> tuple[str, str]:
    """Return the texts in {"a": text, "b": text}. Raises MalformedArticle, InvalidArticle."""
    fields = decode(data, limits)
    for name in ("a", "b"):
        if not isinstance(fields.get(name), str):
            raise InvalidArticle(
                f"{name} must be the text of the {'first' if name == 'a' else 'second'} article, a string"
            )
        if len(fields[name].encode()) > limits.max_text_bytes:
            raise InvalidArticle(f"{name} is longer than {limits.max_text_bytes} bytes")
    return fields["a"], fields["b"]
