"""Pictures: figures drawn as SVG, in the colours of the style sheet; the table beneath says the same.

Nothing in them has a colour of its own: classes have, so that they are readable in the light and in the dark.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from markupsafe import Markup

from wirecopy.schema.answers import Source
from wirecopy.web.page.rendering import plain
from wirecopy.web.page.strings import say

_DAY = 86_400_000


def growth(moments: Sequence[int]) -> Markup:
    """Return how many articles a story had by when, from the moments in which they came, in order."""
    if len(moments) < 2 or moments[-1] == moments[0]:
        return Markup("")
    width, height, left, bottom = 640, 150, 34, 24
    first, span, most = moments[0], moments[-1] - moments[0], len(moments)

    def x(moment: int) -> float:
        return left + (moment - first) / span * (width - left - 10)

    def y(count: int) -> float:
        return height - bottom - count / most * (height - bottom - 12)

    points = [f"M{x(first):.1f} {y(0):.1f}"]
    for count, moment in enumerate(moments, 1):
        points.append(f"H{x(moment):.1f}V{y(count):.1f}")
    line = " ".join(points)
    area = f"{line}V{y(0):.1f}Z"
    ticks = Markup("").join(_tick(first + span * k // 3, x(first + span * k // 3), height - 6, k) for k in range(4))
    grid = Markup("").join(
        Markup('<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/><text class="tick" x="{}" y="{:.1f}" '
               'text-anchor="end">{}</text>').format(left, width - 10, y(n), y(n), left - 6, y(n) + 4, n)
        for n in sorted({0, most // 2, most})
    )  # fmt: skip
    shapes = Markup('{}<path class="area" d="{}"/><path class="line" d="{}"/>{}').format(grid, area, line, ticks)
    return _svg(width, height, say("pictures.growth"), shapes)


def bars(sources: Sequence[Source]) -> Markup:
    """Return sources by the share that is copied and rewritten of their articles, and by how often they were first."""
    if not sources:
        return Markup("")
    row, left, width = 24, 160, 640
    shapes = Markup("")
    room = width - left - 150
    for k, one in enumerate(sources):
        top = k * row + 6
        copies, rewrites = one.copies / one.articles * room, one.rewrites / one.articles * room
        firsts = one.first / one.shared_stories if one.shared_stories else 0.0
        shapes += Markup(
            '<text class="name" x="{name_x}" y="{text_y}" text-anchor="end">{name}</text>'
            '<rect class="track" x="{left}" y="{top}" width="{room}" height="14" rx="3"/>'
            '<rect class="copies" x="{left}" y="{top}" width="{copies:.1f}" height="14"/>'
            '<rect class="rewrites" x="{rx:.1f}" y="{top}" width="{rewrites:.1f}" height="14"/>'
            '<text class="tick" x="{fx}" y="{text_y}">{firsts}</text>'
        ).format(
            name_x=left - 10, text_y=top + 12, name=plain(one.source, 22), left=left, top=top, room=room,
            copies=copies, rx=left + copies, rewrites=rewrites, fx=left + room + 12,
            firsts=say("pictures.first", share=f"{firsts * 100:.0f}"),
        )  # fmt: skip
    return _svg(width, len(sources) * row + 10, say("pictures.bars"), shapes)


def calendar(volume: Sequence[tuple[int, int]]) -> Markup:
    """Return the days as squares, week by week, the busier the stronger."""
    if not volume:
        return Markup("")
    size, gap, top, left = 13, 3, 20, 8
    last = volume[-1][0] // _DAY
    first = max(volume[0][0] // _DAY, last - 26 * 7 + 1)
    monday = first - (first + 3) % 7
    counts = {moment // _DAY: count for moment, count in volume}
    most = max(counts.values())
    weeks = (last - monday) // 7 + 1
    shapes, month = Markup(""), ""
    for day in range(monday, last + 1):
        week, weekday = divmod(day - monday, 7)
        when = datetime.fromtimestamp(day * 86_400, UTC)
        name = when.strftime("%b")
        if weekday == 0 and name != month:
            month = name
            shapes += Markup('<text class="tick" x="{}" y="13">{}</text>').format(left + week * (size + gap), name)
        count = counts.get(day, 0)
        level = 0 if not count else 1 + min(3, int(3.999 * math.log1p(count) / math.log1p(most)) if most > 1 else 3)
        shapes += Markup(
            '<rect class="day level{}" x="{}" y="{}" width="{}" height="{}" rx="2"><title>{}</title></rect>'
        ).format(
            level, left + week * (size + gap), top + weekday * (size + gap), size, size,
            f"{when:%Y-%m-%d}: {count:,}",
        )  # fmt: skip
    return _svg(max(320, left * 2 + weeks * (size + gap)), top + 7 * (size + gap), say("pictures.calendar"), shapes)


def network(edges: Sequence[tuple[str, str, int]]) -> Markup:
    """Return who copies whom, as arrows between names in a circle, the thicker the more often."""
    names = sorted({name for edge in edges for name in edge[:2]})
    if not names:
        return Markup("")
    width, height, radius = 640, 460, 165
    place = {}
    for k, name in enumerate(names):
        angle = 2 * math.pi * k / len(names) - math.pi / 2
        place[name] = width / 2 + radius * math.cos(angle), height / 2 + radius * math.sin(angle), angle
    most = max(count for *_, count in edges)
    shapes = Markup(
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'markerUnits="userSpaceOnUse" orient="auto"><path class="tip" d="M0 0L8 4L0 8Z"/></marker></defs>'
    )
    for origin, copier, count in reversed(edges):
        shapes += _arrow(place[origin], place[copier], (width / 2, height / 2), 1 + 4 * count / most)
    for name, (x, y, angle) in place.items():
        away, side = 12, math.cos(angle)
        anchor = "start" if side > 0.25 else "end" if side < -0.25 else "middle"
        shapes += Markup('<circle class="node" cx="{:.1f}" cy="{:.1f}" r="5"/>').format(x, y)
        shapes += Markup('<text class="name" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
            x + away * side, y + (away + 4) * math.sin(angle) + 4, anchor, plain(name, 22)
        )
    return _svg(width, height, say("pictures.network"), shapes)


def _arrow(
    begin: tuple[float, float, float], end: tuple[float, float, float], middle: tuple[float, float], thick: float
) -> Markup:
    bend = 0.55
    cx = ((begin[0] + end[0]) / 2) * (1 - bend) + middle[0] * bend
    cy = ((begin[1] + end[1]) / 2) * (1 - bend) + middle[1] * bend
    away = math.hypot(end[0] - cx, end[1] - cy) or 1.0
    x, y = end[0] - (end[0] - cx) / away * 7, end[1] - (end[1] - cy) / away * 7
    return Markup(
        '<path class="edge" d="M{:.1f} {:.1f}Q{:.1f} {:.1f} {:.1f} {:.1f}" stroke-width="{:.1f}" '
        'marker-end="url(#tip)"/>'
    ).format(begin[0], begin[1], cx, cy, x, y, thick)


def _tick(moment: int, x: float, y: float, place: int) -> Markup:
    when = datetime.fromtimestamp(moment / 1000, UTC)
    anchor = ("start", "middle", "middle", "end")[place]
    return Markup('<text class="tick" x="{:.1f}" y="{}" text-anchor="{}">{}</text>').format(
        x, y, anchor, f"{when:%b} {when.day}, {when:%H:%M}"
    )


def _svg(width: int, height: int, label: str, shapes: Markup) -> Markup:
    return Markup(
        '<svg class="picture" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">{}</svg>'
    ).format(label, width, height, width, height, shapes)
