"""HTML, and NITF that is read like it, -> text: paragraphs as blank lines, no tags, no scripts, no styles."""

import re
from collections import Counter
from collections.abc import Iterable

from selectolax.lexbor import LexborHTMLParser, LexborNode

from wirecopy.errors import InvalidArticle

MOST_NESTED = 1000  # elements: the parser's time grows with the square of their depth
MOST_MADE = 200_000  # elements that the parser makes of those that are left open, anew for each block
MOST_ATTRIBUTES = 1000  # of one element: the parser compares each with all before it

BLOCKS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dialog", "dir", "div", "dl"),
        *("dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header"),
        *("hgroup", "hr", "li", "main", "menu", "nav", "ol", "p", "pre", "section", "summary", "table", "tr", "ul"),
        *("block", "body.content", "body.end", "body.head", "hedline", "hl1", "hl2"),  # of NITF
    )
)
SILENT = frozenset(("head", "noscript", "script", "style", "template", "title"))
_UNCLOSED = frozenset(("dd", "dt", "hr", "li", "p", "tr"))  # end tags may be left out: they say nothing about depth
CELLS = frozenset(("td", "th"))
_FORMATTING = frozenset(
    ("a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u")
)
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)
# A tag with its attributes; quotes only quote behind an equals sign, as for the parser.
_TAG = re.compile(r"""<(/?)([A-Za-z][^\s/>]{0,40})((?:=\s*(?:"[^"]*"|'[^']*')|[^>])*)""")
_QUOTED = re.compile(r"""=\s*(?:"[^"]*"|'[^']*')""")
_ATTRIBUTE = re.compile(r"[^\s/]+")
_NITF_BODY = re.compile(r"<body\.content[\s>]")
SPACE = re.compile(r"[ \t\r\n\f\v]+")
_BLANK_LINES = re.compile(r"\n{3,}")


def to_text(markup: str) -> str:
    """Return what a reader sees of `markup`. Raises InvalidArticle for one that would take the parser too long."""
    _check_cost(markup)
    parsed = LexborHTMLParser(markup)
    root = parsed.css_first("body\\.content") if _NITF_BODY.search(markup) else parsed.body
    if root is None:
        return ""
    pieces: list[str] = []
    node: LexborNode | None = root
    while node is not None:
        is_silent = node.tag in SILENT
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
    return tidy(pieces)


def tidy(pieces: Iterable[str]) -> str:
    """Return the pieces as one text, with no space at the ends of lines and one blank line between paragraphs."""
    lines = "\n".join(line.strip(" \t") for line in "".join(pieces).split("\n"))
    return _BLANK_LINES.sub("\n\n", lines).strip()


def _enter(node: LexborNode, pieces: list[str]) -> None:
    if node.is_text_node:
        pieces.append(SPACE.sub(" ", node.text_content or ""))
    elif node.tag == "br":
        pieces.append("\n")
    elif node.tag in CELLS:
        pieces.append(" ")
    else:
        _leave(node, pieces)


def _leave(node: LexborNode, pieces: list[str]) -> None:
    if node.tag in BLOCKS:
        pieces.append("\n\n")


def _check_cost(markup: str) -> None:
    """Raise InvalidArticle for markup of which the parser would make much more than there is."""
    inline, formatting = _OpenElements(), _OpenElements(most_equal=3)
    depth = made = 0
    for slash, name, attributes in _TAG.findall(markup):
        name = name.lower()
        if len(attributes) > MOST_ATTRIBUTES:
            _check_attributes(attributes)
        if name in BLOCKS:
            made += formatting.count  # what is open goes on in each block, as an element of its own
            if made > MOST_MADE:
                raise InvalidArticle("its markup leaves too many elements open")
            inline.clear()
            if name not in _UNCLOSED:
                depth = max(0, depth - 1) if slash else depth + 1
        elif name not in _VOID:
            for open_ in (inline, formatting) if name in _FORMATTING else (inline,):
                open_.see(slash, name, attributes)
        if depth + inline.count + formatting.count > MOST_NESTED:
            raise InvalidArticle(f"its markup nests more than {MOST_NESTED} elements")


class _OpenElements:
    """Elements that were begun and not ended. Of equal ones the parser carries only three on into another block."""

    def __init__(self, most_equal: int | None = None) -> None:
        self._most_equal = most_equal
        self.clear()

    def clear(self) -> None:
        self._begun: dict[str, list[str]] = {}
        self._equal: Counter[tuple[str, str]] = Counter()
        self.count = 0

    def see(self, slash: str, name: str, attributes: str) -> None:
        """See a tag: it begins an element, or ends the last of its name."""
        begun = self._begun.setdefault(name, [])
        if not slash:
            begun.append(attributes)
            self._equal[name, attributes] += 1
            self.count += self._is_carried(name, attributes)
        elif begun:
            last = begun.pop()
            self.count -= self._is_carried(name, last)
            self._equal[name, last] -= 1

    def _is_carried(self, name: str, attributes: str) -> bool:
        return self._most_equal is None or self._equal[name, attributes] <= self._most_equal


def _check_attributes(attributes: str) -> None:
    if len(_ATTRIBUTE.findall(_QUOTED.sub("= ", attributes))) > MOST_ATTRIBUTES:
        raise InvalidArticle(f"an element of its markup has more than {MOST_ATTRIBUTES} attributes")
