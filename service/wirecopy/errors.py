"""Everything foreseeable that can go wrong, in domain words: one small class per thing a caller can act on.

`str(error)` is one sentence for a person. Nothing here knows about HTTP statuses or exit codes: the edges hold one
table each, from class to their own number.
"""

from typing import NamedTuple


class WirecopyError(Exception):
    """Anything foreseeable; the root that the edges' tables fall back to."""


class UsageError(WirecopyError):
    """The caller asked for something that cannot be done as asked."""


class LabelsInsufficient(UsageError):
    """Labelled pairs are too few, or too hard to tell apart, for what was asked of them."""


class ConfigError(WirecopyError):
    """A settings file is unreadable or holds a value that is not allowed."""

    def __init__(self, file: str, path: str, expectation: str) -> None:
        """`path` names the setting (`limits.max_id_bytes`), or is empty when the whole file is meant."""
        super().__init__(f"{file}: {path}: {expectation}" if path else f"{file}: {expectation}")
        self.file = file
        self.path = path
        self.expectation = expectation


class ArticleError(WirecopyError):
    """One article cannot be accepted; the others are not concerned."""


class MalformedArticle(ArticleError):
    """The bytes are no JSON, no UTF-8, or nested too deeply."""


class InvalidArticle(ArticleError):
    """Well-formed JSON that is no article: a field is missing, empty, too long or of the wrong type."""


class NotText(InvalidArticle):
    """An item of a kind that has no text: a picture, a video, an event. It is skipped and counted, no failure."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"text is missing: the item is of type {kind!r}")
        self.kind = kind


class UnknownArticle(WirecopyError):
    """No article with this id is kept."""

    def __init__(self, article_id: str) -> None:
        super().__init__(f"no article has the id {article_id!r}")
        self.article_id = article_id


class UnknownRevision(UnknownArticle):
    """The article is kept, and this revision of it is not."""

    def __init__(self, article_id: str, revision: int) -> None:
        super().__init__(article_id)
        self.args = (f"no revision {revision} of the article {article_id!r} is kept",)
        self.revision = revision


class UnknownStory(WirecopyError):
    """No story with this id is kept."""

    def __init__(self, story_id: str) -> None:
        super().__init__(f"no story has the id {story_id!r}")
        self.story_id = story_id


class UnknownAction(WirecopyError):
    """There is no action of this id, or it is kept no more."""

    def __init__(self, action_id: str) -> None:
        super().__init__(f"there is no edit {action_id[:60]!r}")
        self.action_id = action_id


class UnknownPin(WirecopyError):
    """No pin has this id."""

    def __init__(self, pin_id: str) -> None:
        super().__init__(f"no pin has the id {pin_id!r}")
        self.pin_id = pin_id


class Pinned(WirecopyError):
    """A pin is against what was asked; nothing was changed."""

    def __init__(self, pin_id: str, wish: str) -> None:
        super().__init__(f"{wish} contradicts the pin {pin_id}: delete that pin first")
        self.pin_id = pin_id


class EventsGone(WirecopyError):
    """Events that were asked for are not kept any more."""

    def __init__(self, after: int, oldest: int | None) -> None:
        kept = "" if oldest is None else f": the feed is kept from event {oldest} on"
        super().__init__(
            f"the events after {after} are not kept any more{kept}; read the stories, then go on from there"
        )
        self.after = after
        self.oldest = oldest


class StorageError(WirecopyError):
    """The folder of stored articles cannot be used as asked."""


class StorageFailed(StorageError):
    """The disk refused to read or write; what a commit held is not acknowledged, and the process must end."""


class Damaged(StorageError):
    """What is stored is not what was written; only a backup helps."""

    def __init__(self, place: str, finding: str) -> None:
        super().__init__(f"{place} is damaged ({finding}): restore a backup")
        self.place = place
        self.finding = finding


class TailLost(StorageError):
    """The last of what was acknowledged is missing; what is there is intact, and `--accept-loss` goes on with it."""

    def __init__(self, place: str, finding: str) -> None:
        super().__init__(f"{place}: {finding}; restore a backup, or go on without it by --accept-loss")
        self.place = place
        self.finding = finding


class Locked(StorageError):
    """Another process writes to the same folder."""


class NoRoom(StorageError):
    """The disk has too little free space for what was asked; nothing was changed."""

    def __init__(self, place: str, needed: int, free: int) -> None:
        super().__init__(f"{place} has {free:,} bytes free, and {needed:,} are needed")
        self.place = place
        self.needed = needed
        self.free = free


class OtherScheme(StorageError):
    """The stored keys were made by another scheme; they cannot be compared with new ones."""

    def __init__(self, place: str, found: str, wanted: str) -> None:
        super().__init__(
            f"{place} was made with scheme {found}, this program uses {wanted}: make it anew from the kept texts "
            "by wirecopy rebuild, or use the version or model that made it"
        )
        self.place = place
        self.found = found
        self.wanted = wanted


class TextsMissing(StorageError):
    """Articles were stored without their texts, and what needs these was not allowed to leave them out."""

    def __init__(self, place: str, articles: int, revisions: int, of: int) -> None:
        earlier = f", nor have {revisions:,} earlier revisions of others" if revisions else ""
        super().__init__(
            f"{articles:,} of the {of:,} articles in {place} have no kept text to be made anew from{earlier}: "
            "leave these out by --without-missing, or push all articles into a new folder"
        )
        self.place = place
        self.articles = articles
        self.revisions = revisions
        self.of = of


class NewerFormat(StorageError):
    """The folder was written by a newer version of the program."""

    def __init__(self, place: str, found: int, known: int) -> None:
        super().__init__(f"{place} has format {found}, this program knows up to {known}: use a newer wirecopy")
        self.place = place
        self.found = found
        self.known = known


class Overloaded(WirecopyError):
    """More is waiting than the service is set to hold; the same request may succeed a moment later."""


class NotReady(WirecopyError):
    """The service is loading what it knows, or stopping."""


class NotWriter(WirecopyError):
    """This service is a standby: it answers what is asked, and another one decides."""

    def __init__(self, writer_url: str | None) -> None:
        super().__init__(
            "this is a standby" + (f"; the writer is {writer_url}" if writer_url else ", and nobody writes")
        )
        self.writer_url = writer_url


class DuplicateId(ArticleError):
    """The id was already seen in this run."""

    def __init__(self, article_id: str) -> None:
        super().__init__(f"id {article_id!r} was already seen")
        self.article_id = article_id


class KnownId(ArticleError):
    """The id is that of an article that was known before this run, whose content was another."""

    def __init__(self, article_id: str) -> None:
        super().__init__(f"id {article_id!r} is known with another content")
        self.article_id = article_id


class OtherInput(UsageError):
    """A run that was interrupted cannot go on with another input."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the input is not that of the interrupted run: {reason}")


class InputFailed(WirecopyError):
    """An input is missing, unreadable, truncated or damaged; what came before it is not concerned."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"cannot read {file}: {reason}")
        self.file = file
        self.reason = reason


class OutputFailed(WirecopyError):
    """An output cannot be written completely; no regular file was left under its name."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"cannot write {file}: {reason}")
        self.file = file
        self.reason = reason


class ReaderLeft(OutputFailed):
    """Whoever read the output (`| head`) closed it: there is nobody to tell."""

    def __init__(self, file: str) -> None:
        super().__init__(file, "its reader closed it")


class ServiceError(WirecopyError):
    """A running service, as its client sees it, did not do what was asked."""


class ServiceUnreachable(ServiceError):
    """The service does not answer, or gave no answer that is its own."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"cannot reach {url}: {reason}")
        self.url = url
        self.reason = reason


class ServiceRefused(ServiceError):
    """The service answered with a problem; `status`, `type` and `detail` are the problem's."""

    def __init__(self, status: int, type: str, title: str, detail: str, retry_after: float | None = None) -> None:
        super().__init__(f"{status} {title}: {detail}" if detail else f"{status} {title}")
        self.status = status
        self.type = type
        self.title = title
        self.detail = detail
        self.retry_after = retry_after


class ConnectorMissing(UsageError):
    """The library that speaks to a system is not installed."""

    def __init__(self, system: str, library: str, extra: str) -> None:
        super().__init__(f"{system} needs the Python package {library}: pip install 'wirecopy[{extra}]'")
        self.extra = extra


class ConnectorFailed(WirecopyError):
    """A system that a stream comes from or goes to cannot be reached, or broke off."""

    def __init__(self, address: str, reason: str, retry_after: float | None = None) -> None:
        """`retry_after`: seconds for which it does not want to be asked again."""
        super().__init__(f"{address}: {reason}")
        self.address = address
        self.retry_after = retry_after


class Refusal(NamedTuple):
    """Why one record of an input was not accepted; `line` is the physical line at which it starts, from 1."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


class Refused(WirecopyError):
    """A strict run met a record that it cannot accept, and stopped."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__("stopped at the first refused line")
        self.refusal = refusal
