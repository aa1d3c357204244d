"""What /openapi.json says of the routes that take many articles at once."""

from typing import Any

from wirecopy.schema import wire
from wirecopy.schema.answers import Verdict
from wirecopy.schema.formats import known
from wirecopy.web.docs.pieces import ANYWHERE, REFERENCE, WITH_BODY, content, json_answer, operation, query
from wirecopy.web.handlers import bulk, refusals


def bulk_paths() -> dict[str, Any]:
    """Return paths of bulk intake, and of what it refused."""
    answers = {"schema": {"type": "string"}, "x-line-schema": {"$ref": REFERENCE.format(name="BulkAnswer")}}
    limit = {"type": "integer", "minimum": 1, "maximum": refusals.MAX_LIMIT, "default": refusals.DEFAULT_LIMIT}
    after = {"type": "integer", "minimum": 0, "maximum": refusals.MAX_SEQ, "default": 0}
    lines = {media_type: {"schema": {"type": "string"}} for media_type in (*bulk.MEDIA_TYPES, *known.BY_MEDIA_TYPE)}
    anything = {"schema": {"type": "object"}}
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
        "/v1/superdesk": {
            "post": operation(
                "post_superdesk",
                "articles",
                "The HTTP Push of Superdesk",
                "An item of ninjs as Superdesk sends it, signed in x-superdesk-signature where "
                "`intake.superdesk_secret_file` is set. What has no text is answered 200 and not stored.",
                {
                    200: content(
                        "A verdict, or `skipped`: the kind of an item without text.", "application/json", anything
                    ),
                    201: json_answer("The verdict of a new article, now on disk.", Verdict),
                },
                WITH_BODY,
                body={"application/json": {"schema": {"type": "object"}}},
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


def shipper_paths() -> dict[str, Any]:
    """Return paths that shippers for Elasticsearch use: Vector, Logstash, Fluent Bit, NiFi, Kafka Connect."""
    value = content("As Elasticsearch answers.", "application/json", {"schema": {"type": "object"}})
    index = {
        "name": "index",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": "^[a-z][a-z0-9]*$"},
    }
    name = {**index, "name": "name"}
    taken = {"application/x-ndjson": {"schema": {"type": "string"}}, "application/json": {"schema": {"type": "string"}}}
    anything = {"application/json": {"schema": {"type": "object"}}}

    def bulk_of(path: str, *parameters: dict[str, Any]) -> dict[str, Any]:
        told = "index, create, update with doc, delete; a status for each item. 503: send all again, which is harmless."
        operations = {
            method: operation(
                f"{method}_{path}", "shippers", "Many articles in the form of Elasticsearch", told, {200: value},
                WITH_BODY, body=taken,
            )
            for method in ("post", "put")
        }  # fmt: skip
        return {**operations, "parameters": list(parameters)} if parameters else operations

    def harmless(path: str, methods: tuple[str, ...], *parameters: dict[str, Any]) -> dict[str, Any]:
        told = "Answered so that shippers go on; nothing is kept, nothing is changed."
        operations = {
            method: operation(
                f"{method}_{path}", "shippers", "What shippers ask first", told, {200: value},
                (*ANYWHERE, 404, 422), body=None if method == "get" else anything,
            )
            for method in methods
        }  # fmt: skip
        return {**operations, "parameters": list(parameters)} if parameters else operations

    everything = ("get", "put", "post")
    about = operation("about", "shippers", "Who this is", "For a person, the way to /docs.", {200: value}, (500,))
    about["responses"]["303"] = {"description": "To /docs, for who asks for text/html."}
    return {
        "/": {"get": {**about, "security": [{}]}},
        "/_bulk": bulk_of("_bulk"),
        "/{index}/_bulk": bulk_of("index_bulk", index),
        "/_cluster/health": harmless("health", ("get",)),
        "/_license": harmless("license", ("get",)),
        "/_template/{name}": harmless("template", everything, name),
        "/_index_template/{name}": harmless("index_template", everything, name),
        "/_component_template/{name}": harmless("component_template", everything, name),
        "/_ingest/pipeline/{name}": harmless("pipeline", everything, name),
        "/_ilm/policy/{name}": harmless("policy", everything, name),
        "/{index}/_mapping": harmless("mapping", everything, index),
        "/{index}": harmless("index", ("get", "put"), index),
    }
