"""XML that strangers send, read without entities, DTDs and network; and the text in it.

A DOCTYPE is allowed, since NITF and NewsML have one, and nothing is loaded for it; one that declares entities of its
own is refused. Names of HTML's characters (&eacute;) are understood all the same. libxml2 bounds depth and sizes.
"""

import re
from collections.abc import Iterable, Iterator
from html.entities import html5
from typing import Any

from lxml import etree

from wirecopy.errors import MalformedArticle
from wirecopy.schema.markup import BLOCKS, CELLS, SILENT, SPACE, tidy

Element = Any  # lxml has types for its own use only
_MOST_LEVELS = 200
_DECLARED = re.compile(rb"""(<\?xml[^>]{0,100}?encoding=["'])([A-Za-z0-9._-]+)""")
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def parse(data: bytes) -> Element:
    """Return the root of a document. Raises MalformedArticle for what is no XML, or hostile."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, recover=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    data = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    try:
        root = etree.fromstring(_as_utf8(data), parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise MalformedArticle(f"not XML: {' '.join(str(error).split())[:200]}") from None
    declared: Any = root.getroottree().docinfo.internalDTD
    if declared is not None and next(declared.iterentities(), None) is not None:
        raise MalformedArticle("the XML declares entities of its own, which are not read")
    return root


def _as_utf8(data: bytes) -> bytes:
    """Return the document, declared to be UTF-8 where it declares one of the old charsets and is UTF-8 all the same."""
    declared = _DECLARED.match(data)
    if declared is None or declared[2].lower() in (b"utf-8", b"utf8") or declared[2].lower().startswith(b"utf-16"):
        return data
    try:
        data.decode()
    except UnicodeDecodeError:
        return data
    return declared[1] + b"utf-8" + data[declared.end(2) :]


def local(element: Element) -> str:
    """Return the element's name without its namespace; empty for what is no element."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def child(element: Element | None, path: str) -> Element | None:
    """Return the first element under a path of local names, such as `head/docdata`; None where there is none."""
    for name in path.split("/"):
        element = next((each for each in children(element) if local(each) == name), None)
        if element is None:
            return None
    return element


def children(element: Element | None, name: str = "") -> Iterator[Element]:
    """Yield the elements directly below, of that local name if one is given."""
    if element is not None:
        yield from (each for each in element if isinstance(each.tag, str) and (not name or local(each) == name))


def each(element: Element, name: str) -> Iterator[Element]:
    """Yield every element below, and itself, of that local name."""
    return (found for found in element.iter() if local(found) == name)


def line(element: Element | None) -> str | None:
    """Return the text of an element on one line; None for none, or an empty one."""
    if element is None:
        return None
    return " ".join(text_of(element).split()) or None


def attribute(element: Element | None, name: str) -> str | None:
    """Return an attribute that is not empty, None otherwise."""
    return (element.get(name) or None) if element is not None else None


def language_of(*elements: Element | None) -> str | None:
    """Return the first xml:lang of these."""
    return next((found for each in elements if (found := attribute(each, _XML_LANG))), None)


def text_of(element: Element, skipped: Iterable[str] = ()) -> str:
    """Return what a reader sees of an element: paragraphs as blank lines, nothing of elements that are `skipped`.

    Raises MalformedArticle for elements that nest too deeply.
    """
    pieces: list[str] = []
    _walk(element, frozenset(skipped) | SILENT, pieces, 0)
    return tidy(pieces)


def _walk(element: Element, skipped: frozenset[str], pieces: list[str], level: int) -> None:
    if level > _MOST_LEVELS:
        raise MalformedArticle(f"its markup nests more than {_MOST_LEVELS} elements")
    name = local(element).lower()
    around = "\n\n" if name in BLOCKS else " " if name in CELLS else ""
    pieces.append("\n" if name == "br" else around)
    pieces.append(SPACE.sub(" ", element.text or ""))
    for inner in element:
        if inner.tag is etree.Entity:
            pieces.append(html5.get(f"{inner.name};", ""))
        elif isinstance(inner.tag, str) and local(inner).lower() not in skipped:
            _walk(inner, skipped, pieces, level + 1)
        pieces.append(SPACE.sub(" ", inner.tail or ""))
    pieces.append(around if name in BLOCKS else "")
