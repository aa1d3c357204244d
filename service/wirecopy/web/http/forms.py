"""Forms as browsers send them: fields, and files as the text that is in them."""

from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

from wirecopy.web.http.problems import MalformedRequest

URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
FORM_TYPES = (URLENCODED, MULTIPART)
_MOST_FIELDS = 2000


def read_fields(data: bytes, content_type: str) -> dict[str, list[str]]:
    """Return the values of each field, in order. Raises MalformedRequest for what is no form, or has too many
    fields.
    """
    pairs = _parts(data, content_type) if content_type.lower().startswith(MULTIPART) else _pairs(data)
    if len(pairs) > _MOST_FIELDS:
        raise MalformedRequest(f"the form has more than {_MOST_FIELDS} fields")
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value.replace("\r\n", "\n"))
    return fields


def _pairs(data: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(data.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS + 1)
    except ValueError:
        raise MalformedRequest("the form is not UTF-8, or has too many fields") from None


def _parts(data: bytes, content_type: str) -> list[tuple[str, str]]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(head + data)
    if not message.is_multipart():
        raise MalformedRequest("the form is not multipart/form-data")
    found = []
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            found.append((name, content.decode("utf-8-sig", "replace")))
    return found
