"""One request on its way through the service: what the handlers, the log and the metrics know of it."""

from aiohttp import web

from wirecopy.config import Web
from wirecopy.errors import InvalidArticle
from wirecopy.schema.article import Article
from wirecopy.schema.formats import known
from wirecopy.web.http import body
from wirecopy.web.http.access import ANYONE
from wirecopy.web.http.budget import Budget, Share
from wirecopy.web.http.forms import FORM_TYPES, read_fields
from wirecopy.web.http.problems import CrossOrigin, InvalidParameter, UnknownExpectation, UnsupportedType
from wirecopy.web.http.sessions import Session
from wirecopy.web.http.tally import Tally

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Call:
    """`route` is the matched path with {id}; `id` and `story` are the article's and story's once they are known.

    `tally` is there when the request holds many articles, `lines` counts what an event stream told,
    `warnings` the fields that were left out. `is_html`: whether the answer is a page; `session` says who signed in on
    it, None while nobody did; `cross_origin` are the headers for scripts of other origins.
    `other_id` is that of the second article where a path names two; `query` has the parameters that the route takes.
    """

    __slots__ = (
        "_web",
        "client",
        "cross_origin",
        "id",
        "is_html",
        "lines",
        "other_id",
        "patience",
        "query",
        "request",
        "request_id",
        "route",
        "session",
        "share",
        "story",
        "tally",
        "warnings",
    )

    def __init__(self, request: web.BaseRequest, request_id: str, settings: Web, budget: Budget) -> None:
        self.request = request
        self.request_id = request_id
        self.route = "none"
        self.id = ""
        self.other_id = ""
        self.story = ""
        self.lines: int | None = None
        self.tally: Tally | None = None
        self.warnings: int | None = None
        self.query: dict[str, str] = {}
        self.client = ANYONE
        self.cross_origin: dict[str, str] = {}
        self.is_html = False
        self.session: Session | None = None
        self._web = settings
        self.patience = self.new_patience()
        self.share = Share(budget)

    def new_patience(self) -> body.Patience:
        """Return a clock for reading the body that starts from zero."""
        settings = self._web
        return body.Patience(self.request, settings.body_timeout_seconds, settings.min_body_bytes_per_second)

    async def read_json(self) -> bytes:
        """Return the whole body, which must be declared to be JSON: other types can be sent by any web page without
        asking.

        Raises what `body.read_all` raises, UnsupportedType, UnknownExpectation.
        """
        headers = self.request.headers
        content_type = headers.get("Content-Type", "")
        if not _is_json(content_type) and known.of_content_type(content_type) is None:
            raise UnsupportedType(
                "the body must be sent with Content-Type: application/json, or that of one of the wire's formats",
                Accept="application/json, application/ninjs+json",
            )
        await self.expect_body()
        coding = headers.get("Content-Encoding", "")
        return await body.read_all(self.request, self.patience, self.share, self._web.max_body_bytes, coding)

    async def read_form(self, most_bytes: int) -> dict[str, list[str]]:
        """Return the fields of a form that a page sent, files as their text. Raises as `read_json`, and
        MalformedRequest.
        """
        content_type = self.request.headers.get("Content-Type", "")
        if content_type.partition(";")[0].strip().lower() not in FORM_TYPES:
            raise UnsupportedType("the form must be sent as application/x-www-form-urlencoded or multipart/form-data")
        await self.expect_body()
        data = await body.read_all(self.request, self.patience, self.share, most_bytes, "")
        return read_fields(data, content_type)

    async def expect_body(self) -> None:
        """Tell a client that waits for it to go on and send the body. Raises UnknownExpectation."""
        expectation = self.request.headers.get("Expect")
        if expectation is None or self.request.version < (1, 1):  # HTTP/1.0 knows neither the question nor the answer
            return
        if expectation.lower() != "100-continue":
            raise UnknownExpectation(f"Expect: {expectation[:60]} is not known")
        writer = self.request.writer
        await writer.write(_CONTINUE)
        writer.output_size = 0  # the answer itself has not begun

    def check_same_origin(self) -> None:
        """Raise CrossOrigin for a request that a page of another site sent: one without a body needs no permission."""
        headers = self.request.headers
        site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
        is_own = origin is None or origin.partition("://")[2] == headers.get("Host")
        if site not in ("same-origin", "none") if site is not None else not is_own:
            raise CrossOrigin("a page of another site may not ask for this")

    def finish(self) -> None:
        """Give back what the request held."""
        self.share.give_back()


def _is_json(content_type: str) -> bool:
    if content_type == "application/json":
        return True
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))


def check_id(article_id: str) -> str:
    """Return the id. Raises InvalidParameter for one that no path could hold."""
    if article_id in ("", ".", ".."):
        raise InvalidParameter("an id must not be empty, '.' or '..'")
    return article_id


def check_body_id(article: Article) -> Article:
    """Return the article. Raises InvalidArticle for an id that no path could hold."""
    if article.id in (".", ".."):
        raise InvalidArticle("id must not be '.' or '..'")
    return article
