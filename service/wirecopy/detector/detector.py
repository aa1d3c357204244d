"""Detector: article -> story, durably; what changes something, on one screen.

    trace      text -> trace                                       pure, may run in worker threads
    ingest     same id and content: the stored answer again
               else: State.decide, one record of what was decided, one of the events, one append for all;
               then the caller is told

Plain synchronous Python that one thread owns; a store may write in another (`storage.Pipeline`). The state is the
replay of what was decided. What is only asked stands in `questions`.
"""

from collections.abc import Mapping, Sequence
from typing import cast

from msgspec import structs

from wirecopy import errors
from wirecopy.config import Config
from wirecopy.detector import edits, erasure
from wirecopy.detector.answers import boilerplate, views
from wirecopy.detector.answers.boilerplate import Parts
from wirecopy.detector.memory import model_file
from wirecopy.detector.memory.archive import Kept
from wirecopy.detector.memory.records import ActionRecord, Clearing, Edit, Fact, Positions, entry, scheme
from wirecopy.detector.recording import Recorder
from wirecopy.detector.state import DAY
from wirecopy.detector.tracing import ArticleTraces
from wirecopy.schema import actions
from wirecopy.schema.actions import UNSAID, ActionKind, Said
from wirecopy.schema.answers import Milliseconds, Pin, Stored, Story
from wirecopy.schema.article import Article, Status
from wirecopy.storage import Compaction

__all__ = ["SCHEME", "ArticleTraces", "Detector", "scheme_of"]

SCHEME = scheme(model_file.load(None))
_MAX_PRUNED = 20_000  # articles that are pruned at once


def scheme_of(config: Config) -> str:
    """Return the scheme that a store of this configuration has. Raises ConfigError for a model file that is none."""
    return scheme(model_file.load(config.detection.model))


def _standing(kept: Kept) -> str:
    """Return the status of an article, and behind it until when it is embargoed."""
    return kept.status if kept.embargoed is None else f"{kept.status} {kept.embargoed}"


class Detector(Recorder):
    """Tells for every article that it is given which story it belongs to."""

    def erase(self, article_id: str, now: int = 0, said: Said | None = None) -> None:
        """Erase an article with all its revisions, durably: text, trace, keys, matches, passages; its id is new again.

        With `said` it is told of among the actions.

        The story that it was in is decided anew. What is left is one record with its id and `now`, this moment, in
        milliseconds since 1970; of the sums over many articles that were stored before, nothing is taken back. Until
        `compact` the files may still hold bytes of it. Raises UnknownArticle, and StorageFailed, after which the object
        is of no further use.
        """
        archive, state = self._archive, self._state
        numbers = archive.revisions(article_id)
        state.expire(now)
        facts = self._lift(now)[0]
        state.begin_block()
        decisions = [archive.decision(number) for number in numbers]
        deleted = [Fact("deleted", state.stories.story_of[numbers[-1]], article_id)]
        erased = erasure.erase(state, decisions, now)
        facts += self._capture.take(first=deleted if numbers[-1] not in archive.hidden else [])
        records = [archive.kept[number].record for number in numbers]
        for number in numbers:
            archive.drop(number)
        done = None if said is None else self._next("erased", now, said, [deleted[0].story], [article_id])
        if self._store is None:
            self._events_of(facts, now)
            return
        entries = [entry(erased, article_id)]
        entries += self._events_of(facts, now, self._store.last + 1)
        entries += self._entries_of(done, self._store.last + len(entries))
        self._others.numbered.update(zip(numbers, records, strict=True))
        self._others.numbered[erased.number] = self._store.last + 1
        self._store.append(entries, redact=dict(zip(records, map(erasure.remains_of, decisions), strict=True)))

    def merge(self, story_id: str, other_id: str, now: int = 0, said: Said = UNSAID) -> Story[Milliseconds]:
        """Make two stories one, durably: the older id stays, the other leads to it. All members are pinned together.

        -> the story; two that are one already are left as they are. `now` is this moment, in milliseconds since 1970.
        Raises UnknownStory, Pinned where members are pinned apart, and StorageFailed, after which the object is of no
        further use.
        """
        self.reach(now)
        one, other = self._find_story(story_id), self._find_story(other_id)
        if one != other:
            action = self._next("merged", now, said, [one, other])
            self._end_edit(edits.merge(self._state, now, one, other), f"to merge {one} and {other}", action)
        return self.story(one)

    def split(
        self, story_id: str, article_ids: Sequence[str], now: int = 0, said: Said = UNSAID
    ) -> tuple[Story[Milliseconds], Story[Milliseconds]]:
        """Part some of a story's articles from the others, durably; the two parts are pinned apart.

        -> the part that keeps the id, and the smaller one, which has a new id. Raises UnknownStory, UsageError when
        the articles are none or all of the story's or not in it, Pinned where articles of both parts are pinned
        together, and StorageFailed as `merge` does.
        """
        self.reach(now)
        name = self._find_story(story_id)
        numbers = {self._archive.number(article_id) for article_id in article_ids}
        members = self._archive.shown(self._state.stories.members[name])
        for number in numbers:
            if number not in members:
                raise errors.UsageError(f"the article {self._archive.kept[number].id!r} is not in the story {name}")
        if not 0 < len(numbers) < len(members):
            raise errors.UsageError(f"to split {name}, name some of its {len(members)} articles, and not all of them")
        action = self._next("split", now, said, [name, f"s{self._state.loaded}"], article_ids)
        edit = self._end_edit(edits.split(self._state, now, name, numbers), f"to split {name}", action)
        return self.story(name), self.story(f"s{edit.number}")

    def pin(self, article_ids: Sequence[str], *, together: bool, now: int = 0, said: Said = UNSAID) -> Pin:
        """Say that articles belong together, or that two never do, whatever the evidence; durably.

        Their stories are decided anew. What a pin says already is not said twice: that pin is returned. Later
        revisions of the articles keep the pin; it goes when they are erased or pruned. Raises UnknownArticle,
        UsageError for a wrong number of articles, Pinned where it contradicts others, and StorageFailed as `merge`.
        """
        self.reach(now)
        numbers = list(dict.fromkeys(self._archive.number(article_id) for article_id in article_ids))
        if len(numbers) < 2 or (len(numbers) > 2 and not together):
            raise errors.UsageError(
                "to pin together, name two articles or more" if together else "to pin apart, name two articles"
            )
        left, right = (numbers, []) if together else (numbers[:1], numbers[1:])
        for same in self._state.stories.pins.same(together, left, right):
            if same.id in self._actions.pinned:  # that of a split goes when the split is undone
                return views.pin(self._archive, same, with_hidden=True)
        places = dict.fromkeys(self._state.stories.story_of[number] for number in numbers)
        action = self._next("pinned", now, said, list(places), article_ids, after="together" if together else "apart")
        edit = self._end_edit(edits.pin(self._state, now, together, left, right), "this pin", action)
        return views.pin(self._archive, self._state.stories.pins.by_id[edit.number], with_hidden=True)

    def unpin(self, pin_id: str, now: int = 0, said: Said = UNSAID) -> None:
        """Take a pin away, durably; the stories that it concerned are decided anew.

        Raises UnknownPin, and StorageFailed as `merge` does.
        """
        self.reach(now)
        digits = pin_id[1:]
        known = self._state.stories.pins.by_id
        number = int(digits) if pin_id[:1] == "p" and digits.isascii() and digits.isdigit() and len(digits) < 18 else -1
        if number not in known or pin_id != f"p{number}":
            raise errors.UnknownPin(pin_id)
        concerned = sorted(known[number].left | known[number].right)
        places = dict.fromkeys(self._state.stories.story_of[m] for m in concerned)
        action = self._next("unpinned", now, said, list(places), [self._archive.kept[m].id for m in concerned])
        self._end_edit(edits.unpin(self._state, now, number), "this", action)

    def correct(self, story_id: str, article_id: str, now: int = 0, said: Said = UNSAID) -> Story[Milliseconds]:
        """Let an article stand for its story, whatever the rule says, durably; return the story.

        Later revisions of the article do so too, until another is chosen; what is canceled stands behind all others.
        Raises UnknownStory, UnknownArticle, UsageError for an article that is not in the story, and StorageFailed as
        `merge` does.
        """
        self.reach(now)
        name, number = self._find_story(story_id), self._archive.number(article_id)
        members = self._archive.shown(self._state.stories.members[name])
        kept = self._archive.kept[number]
        if number not in members or kept.status == "canceled":
            raise errors.UsageError(f"the article {article_id!r} cannot stand for the story {name}")
        stood = self._archive.kept[self._policy.canonical(self._archive, members)].id
        action = self._next("corrected", now, said, [name], [article_id])
        action = structs.replace(action, came=kept.came, before=stood, after=article_id)
        self._choose(action, name)
        return self.story(name)

    def set_status(self, article_id: str, status: Status, now: int = 0, said: Said = UNSAID) -> Stored[Milliseconds]:
        """Withhold, release or cancel an article as it is kept, durably, by a revision; return the article.

        What is released is not embargoed any more. Raises UnknownArticle, UsageError where its text is not kept (then
        whoever has it sends it again), and StorageFailed as `merge` does.
        """
        number = self._archive.number(article_id)
        kept = self._archive.kept[number]
        embargoed = None if status == "usable" else kept.embargoed
        if (kept.status, kept.embargoed) != (status, embargoed):
            article = self._as_kept(number, status, embargoed)
            action = self._next("status", now, said, [self._state.stories.story_of[number]], [article_id])
            self._aside = structs.replace(action, came=kept.came, before=_standing(kept), after=status)
            self.ingest([article], now)
        return self.article(article_id)

    def undo(self, action_id: str, now: int = 0, said: Said = UNSAID) -> actions.Action[Milliseconds]:
        """Take an action back, durably: a story that was merged is there again under its old id.

        Whoever was moved on since stays where he is. -> the action that did it. Raises UnknownAction; UsageError for
        what was undone, or cannot be any more; Pinned, and StorageFailed as `merge` does.
        """
        self.reach(now)
        done = self._actions.get(action_id)
        if done is None:
            raise errors.UnknownAction(action_id)
        told = self._actions.told(done, self._edits)
        if told.undone_by is not None:
            raise errors.UsageError(f"{action_id} was undone by {told.undone_by}")
        if not told.can_be_undone:
            raise errors.UsageError(f"{action_id} cannot be undone any more")
        action = self._next("undone", now, said, done.stories, done.articles)
        action = structs.replace(action, undoes=done.number, came=done.came, before=done.after, after=done.before)
        self._undo(done, action, now, said)
        return self._actions.told(self._actions.page(None, 1)[0], self._edits)

    def compact(self) -> Compaction:
        """Leave no byte of what was erased or pruned in the files; return the database's bytes before and after.

        Takes as long as copying the database. Raises what `Store.compact` raises.
        """
        return Compaction(0, 0) if self._store is None else self._store.compact()

    def place(self, positions: Mapping[str, int]) -> None:
        """Remember, durably, how far followers of the feed got; those that are not named stay where they were.

        Raises StorageFailed, after which the object is of no further use.
        """
        reached = self._feed.positions | dict(positions)
        if self._store is None:
            self._feed.place(reached, 0)
            return
        replaced = self._feed.place(reached, self._store.last + 1)
        self._store.append([entry(Positions(reached))], prune=replaced)

    def clear_boilerplate(self, source: str | None, now: int = 0) -> int:
        """Forget what was learnt to be boilerplate of a source, durably; return in how many articles it was counted.

        From now on it is learnt anew, from articles that come; None and "" stand for articles without a source. What
        was decided stays as it is. `now` is this moment, in milliseconds since 1970. Raises StorageFailed, after which
        the object is of no further use.
        """
        return boilerplate.finish(self.clear_boilerplate_in_parts(source, now))

    def clear_boilerplate_in_parts(self, source: str | None, now: int = 0) -> Parts[int]:
        """Yield the same, as a generator; each part is durable when it pauses, all of it at its end."""
        window, cleared = self._state.window, 0
        for part in boilerplate.in_parts(window, window.counted(window.source_hash(source))):
            clearing = Clearing(source or None, int(part[0]), int(part[-1]) + 1, now)
            cleared += self._state.clear_boilerplate(clearing)
            if self._store is not None:
                record = self._store.append([entry(clearing)])
                self._others.clearings.append((record, clearing.end))
            yield
        return cleared

    def expire(self, now: int) -> int:
        """Take out of the index what arrived too long before `now`; return how many articles that were.

        They stay readable and keep their stories, but nothing new joins them.
        """
        return self._state.expire(now)

    def prune(self, now: int, share: float = 1.0) -> int:
        """Forget for good what must not be kept on the day of `now`; return how many articles, at most 20,000 at once.

        Of all articles it takes no more than `share`, but one at least. Raises StorageFailed.
        """
        self._state.expire(now)
        self.reach(now)
        retention = self._config.service.retention_days
        if retention is None:
            return 0
        horizon = (now - int(retention * DAY)) // DAY * DAY
        most = min(_MAX_PRUNED, max(1, int(len(self._archive.kept) * share)))
        numbers = self._state.older_than(horizon, most)
        if numbers:
            records = [self._archive.kept[number].record for number in numbers]
            self._state.drop(numbers)
            facts = self._capture.take()
            for number in numbers:
                self._archive.drop(number)
            oldest = next(iter(self._archive.kept.values()), None)
            records += self._feed.forget(horizon if oldest is None else oldest.arrived)
            records += self._actions.forget(horizon if oldest is None else oldest.arrived)
            entries = self._events_of(facts, now, -1 if self._store is None else self._store.last)
            if self._store is not None:
                records += self._others.useless(self._state)
                redirects = self._feed.redirects.tidy(self._state.stories.members)
                checkpoint = self._state.checkpoint(self._feed.last, redirects)
                entries.append(entry(checkpoint))
                self._others.replaceable.append(self._store.append(entries, prune=records))
        return len(numbers)

    def _undo(self, done: ActionRecord, action: ActionRecord, now: int, said: Said) -> None:
        """Do what takes an action back."""
        if done.edit is not None:
            edit = edits.undo(self._state, now, self._edits[done.edit], self._feed.redirects.follow)
            if edit is None:
                raise errors.UsageError(f"nothing is left of e{done.number} that could be undone")
            if isinstance(edit, Edit):
                self._feed.redirects.revive(edit.revived)
            self._end_edit(edit, f"to undo e{done.number}", action)
        elif done.kind == "corrected":
            place = self._state.stories.story_of.get(self._archive.number_of.get(done.articles[0], -1))
            self._choose(action, place)
        else:
            [article_id] = done.articles
            number = self._archive.number(article_id)
            if self._archive.kept[number].status != (done.after or "").partition(" ")[0]:
                raise errors.UsageError(f"{article_id!r} has another status since e{done.number}")
            status, _, until = (done.before or "").partition(" ")
            article = self._as_kept(number, cast(Status, status), int(until) if until else None)
            self._aside = action
            self.ingest([article], now)

    def _as_kept(self, number: int, status: Status, embargoed: int | None) -> Article:
        """Return an article as it is kept, with another status. Raises UsageError where its text is not kept."""
        d, text = self._archive.decision(number), self._archive.text(number)
        article_id = self._archive.kept[number].id
        if text is None and status != "canceled":
            raise errors.UsageError(f"the text of {article_id!r} is not kept: send it again with its status")
        return Article(
            article_id, text or "", d.title, d.source, d.url, d.published, d.language, status, embargoed,
            d.version, d.updated,
        )  # fmt: skip

    def _choose(self, action: ActionRecord, story: str | None) -> None:
        """Make a choice of who stands for a story, or the end of one, durable."""
        members = () if story is None else self._archive.shown(self._state.stories.members[story])
        stood = self._policy.canonical(self._archive, members) if members else None
        entries = self._entries_of(action, -1 if self._store is None else self._store.last)
        facts = []
        if members and story is not None and stood is not None:
            kept, stands = self._archive.kept, self._policy.canonical(self._archive, members)
            self._capture.forget(story)
            if stands != stood:
                facts = [Fact("canonical_changed", story, kept[stands].id, previous=kept[stood].id)]
        entries += self._events_of(facts, action.moment, -1 if self._store is None else self._store.last + 1)
        if self._store is not None:
            self._store.append(entries)

    def _next(
        self, kind: ActionKind, now: int, said: Said, stories: Sequence[str], articles: Sequence[str] = (),
        after: str | None = None
    ) -> ActionRecord:  # fmt: skip
        """Return the next action, which `_entries_of` makes part of those that are told of."""
        number = self._actions.last + 1
        return ActionRecord(number, now, kind, said.by, said.reason, list(stories), list(articles), after=after)

    def _end_edit(self, edit: Edit | edits.Contradiction, wish: str, action: ActionRecord) -> Edit:
        """Make an edit durable, with its action and its events. Raises Pinned for one that was refused."""
        if isinstance(edit, edits.Contradiction):
            raise errors.Pinned(f"p{edit.pin}", wish)
        self._edits[edit.number] = edit
        last = -1 if self._store is None else self._store.last + 1
        noted = self._entries_of(structs.replace(action, edit=edit.number), last)
        told = self._events_of(self._capture.take(), edit.moment, last + 1)
        if self._store is not None:
            self._others.numbered[edit.number] = last
            self._store.append([entry(edit), *noted, *told])
        return edit
