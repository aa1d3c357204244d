"""What /openapi.json says of the log."""

from typing import Any

from wirecopy.schema.log import LogPage
from wirecopy.web.docs.pieces import ANYWHERE, json_answer, operation, query
from wirecopy.web.handlers import log


def log_paths() -> dict[str, Any]:
    """Return the path of the log."""
    after = {"type": "integer", "minimum": 0, "maximum": log.MAX_NUMBER, "default": 0}
    limit = {"type": "integer", "minimum": 1, "maximum": log.MAX_LIMIT, "default": log.DEFAULT_LIMIT}
    return {
        "/v1/log": {
            "get": operation(
                "read_log",
                "operation",
                "Everything that is stored, record by record",
                "Records that are on disk, in order, each with the checksum that vouches for it and all before it. A "
                "page ends early where records are long. What was pruned or erased since is told by later records; a "
                "row without `kind` stands for numbers that are gone. It shows withheld articles too: it needs the "
                "role `admin`.",
                {200: json_answer("A page of the log.", LogPage)},
                (*ANYWHERE, 422),
                parameters=[
                    query("after", after, "The number of the last record that is known."),
                    query("limit", limit, "Records per page, at most."),
                    query("texts", {"type": "boolean", "default": False}, "With the texts that were kept."),
                ],
            )
        }
    }
