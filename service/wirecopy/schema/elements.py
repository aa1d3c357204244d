"""A JSON document of any length -> the elements of the list in it, as bytes, one after the other.

    [ELEMENT, ...]                                     an array
    {"articles": [ELEMENT, ...], "total": 2}           a list under one of the names in `LISTS`
    {"id": "a", "text": "..."}                         one element
    {...} {...}                                        documents that follow each other

Nothing is decoded here: a regular expression finds strings and brackets, so a bad element fails alone where it is
parsed. Memory is bounded by the limit of one element, however long the document is and however deep it nests.
"""

import re
from collections.abc import Iterator

from wirecopy.errors import MalformedArticle

# Where news APIs, search engines and crawlers put their lists. One counts only if objects are in it.
LISTS = frozenset(
    (
        *(("items",), ("_items",), ("articles",), ("results",), ("docs",), ("entries",), ("news",), ("stories",)),
        *(("posts",), ("value",), ("records",), ("rows",), ("hits",), ("data",), ("entry",), ("item",)),
        *(("articles", "results"), ("response", "results"), ("response", "docs"), ("hits", "hits"), ("data", "items")),
        *(("data", "articles"), ("data", "results"), ("feed", "entry"), ("feed", "items"), ("result", "items")),
    )
)
_MOST_NAMES = 2  # under which a list may be
_MOST_NAME_BYTES = 64
_TOKEN = re.compile(rb'("(?:[^"\\]++|\\.)*+")|([{}\[\],:])|("(?:[^"\\]++|\\.)*+)', re.DOTALL)
_WITHIN_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_MARK = b"\xef\xbb\xbf"


class ElementSplitter:
    """Elements as they become complete. One over the limit comes as None, and is dropped while it passes."""

    def __init__(self, max_element_bytes: int) -> None:
        self._max_bytes = max_element_bytes
        self._pieces: list[bytes] = []  # of what becomes an element, while it is within the limit
        self._size = 0
        self._open: list[str] = []  # the name under which each container is that is open, outside of elements
        self._depth = 0  # how many containers these are
        self._inner = 0  # containers that are open within an element of a list
        self._name_head = b""  # of a string that was not complete yet
        self._name = ""  # the last string outside of elements
        self._is_in_list = False
        self._may_begin_list = False  # the last token opened an array that is wanted if an object is in it
        self._had_list = False  # in this document
        self._is_in_string = self._ends_in_escape = False
        self._is_first = True

    @property
    def unfinished_bytes(self) -> int:
        """Bytes in memory of the element that is not complete yet."""
        return min(self._size, self._max_bytes)

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """Yield the elements that `data` completes. Raises MalformedArticle for brackets that do not fit."""
        if self._is_first and data:
            data, self._is_first = data.removeprefix(_MARK), False
        begin, place = 0, self._leave_string(data)
        for found in _TOKEN.finditer(data, place):
            if found.lastindex == 1:
                self._see_string(found[1][1 : _MOST_NAME_BYTES + 1].removesuffix(b'"'))
                continue
            if found.lastindex == 3:
                self._is_in_string, self._ends_in_escape = True, found.end() < len(data)
                self._name_head = found[3][1 : _MOST_NAME_BYTES + 1]
                break
            token = found[2]
            if self._is_in_list:
                if self._ends_element(token):
                    self._add(data[begin : found.start()])
                    yield from self._take()
                    begin = found.end()
                    if token == b"]":
                        self._leave_list()
            elif self._enters_list(token):
                self._pieces, self._size = [], 0
                begin = found.end() if token == b"[" else found.start()
            elif self._ends_document(token):
                self._add(data[begin : found.end()])
                yield from self._take()
                begin = found.end()
        self._add(data[begin:])

    def finish(self) -> list[bytes | None]:
        """Return what is left behind the last document. Raises MalformedArticle when the last one is not complete."""
        if self._depth or self._is_in_list or self._is_in_string:
            raise MalformedArticle("the JSON ends too early: a bracket or a quotation mark is still open")
        return list(self._take())

    def _leave_string(self, data: bytes) -> int:
        """Return where the string ends that was open before `data`; 0 when there was none."""
        if not self._is_in_string or not data:
            return 0
        found = _WITHIN_STRING.match(data, 1 if self._ends_in_escape else 0)
        end = len(data) if found is None else found.end()
        self._name_head += data[: min(end, _MOST_NAME_BYTES)]
        if data[end : end + 1] == b'"':
            self._is_in_string = self._ends_in_escape = False
            self._see_string(self._name_head)
            return end + 1
        self._name_head = self._name_head[:_MOST_NAME_BYTES]
        self._ends_in_escape = end < len(data)
        return len(data)

    def _see_string(self, head: bytes) -> None:
        """See a string of which this is the beginning, or all of it: it may be the name of what follows."""
        self._may_begin_list = False
        if not self._is_in_list and self._depth <= _MOST_NAMES:
            self._name = head.decode(errors="replace") if len(head) < _MOST_NAME_BYTES else ""

    def _ends_element(self, token: bytes) -> bool:
        """Return whether an element of the list ends before `token`, which ends the list too if it is a bracket."""
        if token in b"{[":
            self._inner += 1
        elif not self._inner:
            if token == b"}":
                raise MalformedArticle("a bracket of the JSON closes what is not open")
            return token != b":"
        elif token in b"}]":
            self._inner -= 1
        return False

    def _leave_list(self) -> None:
        self._close()
        self._is_in_list, self._had_list = False, self._depth > 0

    def _enters_list(self, token: bytes) -> bool:
        """Return whether the elements of a wanted list begin with `token`, or behind it."""
        begins, self._may_begin_list = self._may_begin_list, False
        if token == b"[" and not self._depth:
            self._inner = 0
        elif token == b"{" and begins:
            self._inner = 1
            self._is_in_list = True
            return True
        else:
            self._may_begin_list = token == b"[" and (*self._open[1:], self._name) in LISTS
            if begins and token == b"]":  # the list is empty, and the document holds nothing else
                self._had_list, self._pieces, self._size = True, [], 0
            return False
        self._open, self._depth, self._is_in_list = [""], 1, True
        return True

    def _ends_document(self, token: bytes) -> bool:
        """Return whether a document ends with `token`, outside of wanted lists."""
        if token in b"{[":
            if self._depth <= _MOST_NAMES:
                self._open.append(self._name if self._depth else "")
            self._depth += 1
        elif token in b"}]":
            if not self._depth:
                raise MalformedArticle("a bracket of the JSON closes what is not open")
            self._close()
            return not self._depth
        return False

    def _close(self) -> None:
        self._depth -= 1
        del self._open[self._depth :]

    def _add(self, piece: bytes) -> None:
        if self._had_list and not self._is_in_list:
            return  # the rest of a document that was a list
        self._size += len(piece)
        if self._size <= self._max_bytes:
            self._pieces.append(piece)
        else:
            self._pieces.clear()

    def _take(self) -> Iterator[bytes | None]:
        """Yield what has gathered, unless it is nothing but space; a document that had a list is over with it."""
        element = b"".join(self._pieces).strip() if self._size <= self._max_bytes else None
        self._pieces, self._size = [], 0
        if not self._depth:
            self._had_list = False
        if element != b"":
            yield element
