"""HTML, and NITF that is read like it, -> text: paragraphs as blank lines, no tags, no scripts, no styles."""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from wirecopy.errors import InvalidArticle

MOST_NESTED = 1000  # elements: the parser's time grows with the square of their depth

_BLOCKS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dialog", "dir", "div", "dl"),
        *("dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header"),
        *("hgroup", "hr", "li", "main", "menu", "nav", "ol", "p", "pre", "section", "summary", "table", "tr", "ul"),
        *("block", "body.content", "body.end", "body.head", "hedline", "hl1", "hl2"),  # of NITF
    )
)
_SILENT = frozenset(("head", "noscript", "script", "style", "template", "title"))
_UNCLOSED = frozenset(("dd", "dt", "hr", "li", "p", "tr"))  # end tags may be left out: they say nothing about depth
_CELLS = frozenset(("td", "th"))
_TAG = re.compile(r"<(/?)([A-Za-z][^\s/>]{0,40})")
_NITF_BODY = re.compile(r"<body\.content[\s>]")
_SPACE = re.compile(r"[ \t\r\n\f\v]+")
_LINE_SPACE = re.compile(r"[ \t]*\n[ \t]*")
_BLANK_LINES = re.compile(r"\n{3,}")


def to_text(markup: str) -> str:
    """-> what a reader sees of `markup`. Raises InvalidArticle where elements nest too deeply."""
    _check_depth(markup)
    parsed = LexborHTMLParser(markup)
    root = parsed.css_first("body\\.content") if _NITF_BODY.search(markup) else parsed.body
    if root is None:
        return ""
    pieces: list[str] = []
    node: LexborNode | None = root
    while node is not None:
        is_silent = node.tag in _SILENT
        if not is_silent:
            _enter(node, pieces)
        if node.first_child is not None and not is_silent:
            node = node.first_child
            continue
        while node is not None:
            _leave(node, pieces)
            if node.mem_id == root.mem_id:
                node = None
            elif node.next is not None:
                node = node.next
                break
            else:
                node = node.parent
    return _BLANK_LINES.sub("\n\n", _LINE_SPACE.sub("\n", "".join(pieces))).strip()


def _enter(node: LexborNode, pieces: list[str]) -> None:
    if node.is_text_node:
        pieces.append(_SPACE.sub(" ", node.text_content or ""))
    elif node.tag == "br":
        pieces.append("\n")
    elif node.tag in _CELLS:
        pieces.append(" ")
    else:
        _leave(node, pieces)


def _leave(node: LexborNode, pieces: list[str]) -> None:
    if node.tag in _BLOCKS:
        pieces.append("\n\n")


def _check_depth(markup: str) -> None:
    depth = 0
    for slash, name in _TAG.findall(markup):
        name = name.lower()
        if name in _BLOCKS and name not in _UNCLOSED:
            depth = max(0, depth - 1) if slash else depth + 1
            if depth > MOST_NESTED:
                raise InvalidArticle(f"its markup nests more than {MOST_NESTED} elements")
