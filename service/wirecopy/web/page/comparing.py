"""Side by side: two articles, two revisions of one, or an article and a text that somebody pasted."""

from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp import web

from wirecopy.schema.answers import Comparison
from wirecopy.web.http import queries
from wirecopy.web.http.call import Call, check_id
from wirecopy.web.page import rendering
from wirecopy.web.page.rows import align, share_in
from wirecopy.web.service import RunningService

if TYPE_CHECKING:
    from wirecopy.detector.answers.explain import Pair

_REASONS = (
    ("contained", 0.15), ("lead_best", 0.3), ("quotes", 0.2), ("numbers", 0.3), ("rare_run", 0.2),
    ("order", 0.5), ("local_lead", 0.3),
)  # fmt: skip


async def choose(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /compare?a=&b=: leads to the two side by side, or asks for them."""
    a, b = (call.query.get(name, "").strip() for name in ("a", "b"))
    if a and b:
        return rendering.redirect(service, call, rendering.path_of("compare", a, b))
    return rendering.answer(service, call, "choose.html", {"a": a or None, "b": b or None})


async def get(service: RunningService, call: Call) -> web.StreamResponse:
    """GET /compare/{a}/{b}?from=&to=: two articles; of one article two of its revisions."""
    a, b = check_id(call.id), check_id(call.other_id)
    values = {name: value for name, value in call.query.items() if value}
    if a == b and "from" in values:
        first, second = (queries.integer(values, name, 1, 1, 10**9) for name in ("from", "to"))
        pair = await service.owner.ask(lambda d: d.pair_of_revisions(a, first, second))
        names: dict[str, Any] = {"revisions": (first, second)}
    else:
        pair = await service.owner.ask(lambda d: d.pair(a, b))
        names = {"revisions": None}
    found = await service.owner.ask(lambda d: d.documents(list(dict.fromkeys((a, b)))))
    of = {document.id: document for document in found}
    names |= rendering.travelling({"left": of.get(a), "right": of.get(b)})
    return await answer(service, call, pair, names)


async def answer(service: RunningService, call: Call, pair: "Pair", names: dict[str, Any]) -> web.StreamResponse:
    """Return the page of a pair, compared in a thread of its own."""
    comparison, rows = await service.owner.work_aside(partial(_compare, pair))
    shares = share_in(comparison.passages, "a", pair.a.text), share_in(comparison.passages, "b", pair.b.text)
    data = {"comparison": comparison, "shares": {"a": shares[0], "b": shares[1]}}
    return rendering.answer(
        service, call, "compare.html", data, rows=rows, reasons=_reasons(comparison),
        titles=(pair.a.title, pair.b.title),
        **names,
    )  # fmt: skip


def _compare(pair: "Pair") -> tuple[Comparison, list[Any]]:
    from wirecopy.detector.answers.explain import explain  # the compiled kernels: not before the service listens

    comparison = explain(pair)
    return comparison, align(comparison)


def _reasons(comparison: Comparison) -> list[str]:
    """Return the names of what speaks for a common source, as far as there are words for it."""
    return [name for name, least in _REASONS if comparison.features.get(name, 0.0) >= least]
