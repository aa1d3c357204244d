"""What /openapi.json says of the routes that take many articles at once."""

from typing import Any

from wirecopy.schema import ninjs, wire
from wirecopy.web.docs.pieces import ANYWHERE, REFERENCE, WITH_BODY, content, json_answer, operation, query
from wirecopy.web.handlers import bulk, refusals


def bulk_paths() -> dict[str, Any]:
    """Paths of bulk intake, and of what it refused."""
    answers = {"schema": {"type": "string"}, "x-line-schema": {"$ref": REFERENCE.format(name="BulkAnswer")}}
    limit = {"type": "integer", "minimum": 1, "maximum": refusals.MAX_LIMIT, "default": refusals.DEFAULT_LIMIT}
    after = {"type": "integer", "minimum": 0, "maximum": refusals.MAX_SEQ, "default": 0}
    lines = {media_type: {"schema": {"type": "string"}} for media_type in (*bulk.MEDIA_TYPES, ninjs.MEDIA_TYPE)}
    array = {bulk.JSON: {"schema": {"type": "array", "items": {"$ref": REFERENCE.format(name="ArticleInput")}}}}
    return {
        "/v1/bulk": {
            "post": operation(
                "post_bulk",
                "articles",
                "Many articles, one per line, or as elements of a JSON array",
                "The answer comes when the whole body is decided: 200 when all of it is on disk, with a line for each "
                "line; a bad or blank line fails alone. Any other status: the body ended early, `kept` tells how many "
                "articles are on disk all the same, and sending everything again does no harm. gzip and zstd are "
                "accepted as Content-Encoding. The headers Wirecopy-Taken, Wirecopy-Replayed and Wirecopy-Refused "
                "count. With `stream=true` answers are streamed while the body is: the status is 200 at once, and "
                "what ends the stream early is a last line that stands for all lines from its own on.",
                {200: content("One answer per line, in order: BulkAnswer.", bulk.MEDIA_TYPE, answers)},
                WITH_BODY,
                body={**lines, **array},
                parameters=[query("stream", {"type": "boolean", "default": False}, "Answer while the body comes.")],
            ),
        },
        "/v1/refused": {
            "get": operation(
                "list_refused",
                "articles",
                "Lines of bulk bodies that were refused lately",
                "Oldest first, with the reason and the first 200 bytes; the newest `web.max_refused_lines` since the "
                "service started. For finding out what a sender does wrong that looks at nothing but the status.",
                {200: json_answer("A page of refused lines.", wire.RefusedPage)},
                (*ANYWHERE, 422),
                parameters=[
                    query("after", after, "The number of the last line that is known."),
                    query("limit", limit, "Lines per page."),
                ],
            ),
        },
    }
