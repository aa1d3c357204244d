"""Pieces of a description in OpenAPI: operations, parameters, answers, problems."""

from typing import Any

import msgspec

from wirecopy.web.http import problems

REFERENCE = "#/components/schemas/{name}"
# Problems that a request can meet wherever articles or stories are concerned, and with a body.
ANYWHERE = (400, 401, 403, 421, 429, 500, 503)
WITH_BODY = (*ANYWHERE, 408, 413, 415, 417, 422)
ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The id, percent-encoded; not '.' or '..'.",
    "schema": {"type": "string", "minLength": 1},
}


def operation(
    name: str,
    tag: str,
    summary: str,
    description: str,
    answers: dict[int, Any],
    refused: tuple[int, ...],
    *,
    body: dict[str, Any] | None = None,
    parameters: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    operation: dict[str, Any] = {"operationId": name, "tags": [tag], "summary": summary, "description": description}
    if parameters is not None:
        operation["parameters"] = parameters
    if body is not None:
        operation["requestBody"] = {"required": True, "content": body}
    operation["responses"] = {str(status): answer for status, answer in sorted(answers.items())} | problems_of(refused)
    return operation


def problems_of(statuses: tuple[int, ...]) -> dict[str, Any]:
    schema = {"schema": {"$ref": REFERENCE.format(name="Problem")}}
    return {
        str(status): content(", ".join(_titles(status)), problems.CONTENT_TYPE, schema) for status in sorted(statuses)
    }


def _titles(status: int) -> list[str]:
    kinds = [*problems.KINDS.values(), problems.INTERNAL]
    return [kind.title for kind in kinds if kind.status == status]


def query(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def name_of(type_: Any) -> str:
    """Return the name of a type in the description, the same for `Story` and `Story[Time]`."""
    name: str = getattr(type_, "__origin__", type_).__name__
    return name


def json_answer(description: str, answer: type[msgspec.Struct]) -> dict[str, Any]:
    reference = {"schema": {"$ref": REFERENCE.format(name=name_of(answer))}}
    return content(description, "application/json", reference)


def content(description: str, media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {media_type: schema}}
