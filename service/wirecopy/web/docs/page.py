"""/docs: the description of the API as one page that needs no script and nothing from elsewhere.

It is rendered once, from /openapi.json. Every text is escaped, and the policy admits exactly the one style sheet that
stands in the page, by its hash.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any

from wirecopy.web.http import problems

Description = Mapping[str, Any]


def render(description: Description) -> tuple[bytes, str]:
    """Return the page and its Content-Security-Policy."""
    style = resources.files("wirecopy.web.docs").joinpath("docs.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return "\n".join(_page(description, style)).encode(), f"{policy}; frame-ancestors 'none'"


def _page(description: Description, style: str) -> Iterator[str]:
    info = description["info"]
    title = f"{info['title']} {info['version']}"
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(title)}: the API</title>\n<style>{style}</style>\n</head>\n<body>"
    yield f"<header><h1>{escape(title)}</h1>"
    for paragraph in info["description"].split("\n\n"):
        yield f"<p>{_inline(paragraph)}</p>"
    yield '<p>The same for programs: <a href="/openapi.json">/openapi.json</a></p></header>'
    yield from _contents(description)
    yield "<main>"
    for tag in description["tags"]:
        yield f'<h2 id="tag-{escape(tag["name"])}">{escape(tag["name"].capitalize())}</h2>'
        yield f"<p>{_inline(tag['description'])}</p>"
        for path, method, operation in _operations(description, tag["name"]):
            yield from _operation(description["paths"][path], path, method, operation)
    yield "<h2 id=types>Types</h2>"
    for name, schema in description["components"]["schemas"].items():
        yield from _schema(name, schema)
    yield from _problems()
    yield "</main>\n</body>\n</html>"


def _operations(description: Description, tag: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, item in description["paths"].items():
        for method, operation in item.items():
            if method != "parameters" and tag in operation["tags"]:
                yield path, method, operation


def _contents(description: Description) -> Iterator[str]:
    yield '<nav aria-label="Contents"><ul>'
    for tag in description["tags"]:
        name = escape(tag["name"])
        yield f'<li class=group><a href="#tag-{name}">{name.capitalize()}</a></li>'
        for path, method, operation in _operations(description, tag["name"]):
            link = f'<a href="#{escape(operation["operationId"])}">{_method(method)} <code>{escape(path)}</code></a>'
            yield f"<li>{link} {escape(operation['summary'])}</li>"
    yield '<li class=group><a href="#types">Types</a></li>'
    yield '<li class=group><a href="#problems">Problems</a></li></ul></nav>'


def _operation(item: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f'<section id="{escape(operation["operationId"])}">'
    yield f"<h3>{_method(method)} <code>{escape(path)}</code></h3><p><strong>{escape(operation['summary'])}.</strong>"
    yield f" {_inline(operation['description'])}</p>"
    parameters = [*item.get("parameters", ()), *operation.get("parameters", ())]
    if parameters:
        rows = [(f"<code>{escape(one['name'])}</code>", _type(one["schema"]), _about(one)) for one in parameters]
        yield _table(("parameter", "type", "meaning"), rows)
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Takes <code>{escape(media_type)}</code>: {_type(content['schema'])}</p>"
        if "example" in content:
            yield f"<pre>{escape(json.dumps(content['example'], indent=2))}</pre>"
    rows = []
    for status, answer in operation["responses"].items():
        content = next(iter(answer.get("content", {}).values()), None)
        kind = "nothing" if content is None else _type(content.get("x-line-schema", content["schema"]))
        rows.append((f"<code>{status}</code>", kind, _inline(answer["description"])))
    yield _table(("status", "answer", "meaning"), rows)
    yield "</section>"


def _schema(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f'<section id="type-{escape(name)}"><h3>{escape(name)}</h3>'
    yield f"<p>{_inline(schema.get('description', ''))}</p>"
    required = schema.get("required", ())
    rows = [
        (f"<code>{escape(field)}</code>", _type(of), "always" if field in required else "optional")
        for field, of in schema.get("properties", {}).items()
    ]
    yield _table(("field", "type", ""), rows)
    yield "</section>"


def _problems() -> Iterator[str]:
    yield "<h2 id=problems>Problems</h2><p>What <code>type</code> of a problem refers to.</p>"
    rows = []
    described = {kind.name: (error, kind) for error, kind in reversed(problems.KINDS.items())}  # the first of a name
    for error, kind in sorted(described.values(), key=lambda one: one[1].status):
        about = (error.__doc__ or "").strip()
        rows.append((f'<code id="{kind.name}">{kind.name}</code>', str(kind.status), _inline(about)))
    internal = problems.INTERNAL
    rows.append((f'<code id="{internal.name}">{internal.name}</code>', "500", "A bug of ours; the log has its traces."))
    yield _table(("type", "status", "meaning"), rows)


def _about(parameter: Mapping[str, Any]) -> str:
    needed = "" if parameter.get("required") else "Optional. "
    return needed + _inline(parameter.get("description", ""))


def _type(schema: Mapping[str, Any]) -> str:
    """Return a schema in a few words, as HTML."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#type-{name}">{name}</a>'
    for several, between in (("anyOf", " or "), ("allOf", ", with ")):
        if several in schema:
            return between.join(_type(one) for one in schema[several])
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"array of {_type(schema.get('items', {}))}"
    if "required" in schema and "type" not in schema:
        return ", ".join(f"<code>{escape(name)}</code>" for name in schema["required"])
    words = [schema.get("type", "any"), *([schema["format"]] if "format" in schema else [])]
    if "minimum" in schema and "maximum" in schema:
        words.append(f"{schema['minimum']} to {schema['maximum']}")
    if schema.get("default") is not None:
        words.append(f"(default {schema['default']})")
    return escape(" ".join(words))


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    cells = "".join(f"<th scope=col>{name}</th>" for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<div class=table><table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table></div>"


def _method(method: str) -> str:
    return f'<span class="method {escape(method)}">{escape(method.upper())}</span>'


def _inline(text: str) -> str:
    """Return text as HTML, with `code` between backticks and line breaks as spaces."""
    parts = escape(" ".join(text.split())).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))
