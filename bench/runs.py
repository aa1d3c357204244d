"""Assignments of stories to the articles of labelled sets: wirecopy's, and those of each peer at any threshold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from bench.articles import read_articles, without_dates
from bench.dedupe import Grouping, run_dedupe
from bench.peers import Links, Peer, days_of, find_links, group
from bench.sets import Stream, Variant
from bench.shuffles import shuffled

Story = dict[str, str]


class WirecopyRuns:
    """wirecopy's groupings of the streams asked for; each stream is run once."""

    def __init__(self, cache: Path, options: Sequence[str]) -> None:
        self._cache, self._options = cache / "undated", options
        self.done: dict[tuple[str, bool], Grouping] = {}

    def grouping(self, stream: Stream, dated: bool) -> Grouping:
        """Return what `wirecopy dedupe` says about a stream; raise DedupeFailed when it says nothing."""
        key = stream.name, dated
        if key not in self.done:
            click.echo(f"wirecopy dedupe: {stream.name}{'' if dated else ', undated'}", err=True)
            files = stream.files if dated else [without_dates(path, self._cache) for path in stream.files]
            self.done[key] = run_dedupe(files, self._options)
        return self.done[key]

    def story(self, variant: Variant) -> Story:
        """Return the assignment over all streams of a variant."""
        return merge_stories(variant, lambda stream: self.grouping(stream, variant.dated).story)

    def shuffled_story(self, stream: Stream, dated: bool, seed: int) -> Story:
        """Return the assignment over a stream's articles in another order; raise DedupeFailed as `grouping` does."""
        click.echo(f"wirecopy dedupe: {stream.name}{'' if dated else ', undated'}, order {seed}", err=True)
        files = stream.files if dated else [without_dates(path, self._cache) for path in stream.files]
        path = shuffled(files, seed, self._cache)
        try:
            return run_dedupe([path], self._options).story
        finally:
            path.unlink()


@dataclass(frozen=True)
class _Linked:
    ids: list[str]
    days: npt.NDArray[np.float64]
    links: Links


class PeerRuns:
    """A peer's groupings; its links over a stream are made once, or read from the cache folder."""

    def __init__(self, peer: Peer, cache: Path) -> None:
        self.peer, self._cache = peer, cache / "peers"
        self._linked: dict[Stream, _Linked] = {}

    def story(self, variant: Variant, threshold: float) -> Story:
        """Return the assignment over all streams of a variant."""
        return merge_stories(variant, lambda stream: self._group(stream, variant.dated, threshold))

    def _group(self, stream: Stream, dated: bool, threshold: float) -> Story:
        linked = self._link(stream)
        days = linked.days if dated else np.full_like(linked.days, np.nan)
        components = group(self.peer, linked.links, days, threshold)
        return dict(zip(linked.ids, map(str, components.tolist()), strict=True))

    def _link(self, stream: Stream) -> _Linked:
        if stream not in self._linked:
            click.echo(f"{self.peer.name}: {stream.name}", err=True)
            articles = read_articles(stream.files)
            links = find_links(self.peer, articles, self._cache)
            self._linked[stream] = _Linked([article.id for article in articles], days_of(articles), links)
        return self._linked[stream]


def merge_stories(variant: Variant, story: Callable[[Stream], Story]) -> Story:
    """Return the stories of a variant's streams as one assignment in which no two streams share a story."""
    streams = variant.labelled.streams
    return {article: f"{stream.name}/{name}" for stream in streams for article, name in story(stream).items()}
