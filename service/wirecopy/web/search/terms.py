"""Terms: what texts are cut into before SQLite cuts them at spaces, and questions into what it is asked.

Scripts without spaces become overlapping pairs of characters, the last character once more by itself, so that any
string of one, two or more characters is found wherever it stands: pairs, since the commonest words of Chinese have two
characters, which an index of trigrams never finds.
"""

import re

from wirecopy.schema.normal_form import normalised

LONGEST_TEXT = 200_000  # characters of a text that can be found
_MOST_TERMS = 16
_RUN = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]+"
)
_HANGUL = re.compile("[\uac00-\ud7a3]$")
_PART = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')
_WORD = re.compile(r"\w")
_NO_TEXT = re.compile('["\x00-\x1f\x7f]')


def indexed(text: str) -> str:
    """Return a text whose words and pairs of characters stand between spaces."""
    folded = text[:LONGEST_TEXT]
    if folded.isascii():
        return folded
    return _RUN.sub(lambda found: f" {' '.join(_pairs(found[0]))} ", normalised(folded, "NFKC"))


def question(asked: str) -> str | None:
    """Return what FTS5 is asked, all of whose words must stand in an article; None when nothing can be looked for.

    "words in quotation marks" stand together, -word stands nowhere in it, word* begins so.
    """
    wanted: list[str] = []
    unwanted: list[str] = []
    for minus, phrase, word in _PART.findall(asked)[:_MOST_TERMS]:
        term = _term(phrase or word, is_word=not phrase)
        if term is not None:
            (unwanted if minus else wanted).append(term)
    if not wanted:
        return None
    return " NOT ".join([f"({' AND '.join(wanted)})", *unwanted])


def words_of(asked: str) -> list[str]:
    """Return the words and phrases that a question wants, to be marked where they stand."""
    found = [(phrase or word).strip('*"') for minus, phrase, word in _PART.findall(asked)[:_MOST_TERMS] if not minus]
    return [word for word in found if _WORD.search(word)]


def _pairs(run: str) -> list[str]:
    return [*(run[k : k + 2] for k in range(len(run) - 1)), run[-1]]


def _term(given: str, *, is_word: bool) -> str | None:
    begins = is_word and (given.endswith("*") or _HANGUL.search(given) is not None)
    folded = _NO_TEXT.sub(" ", normalised(given.rstrip("*"), "NFKC"))
    if not _WORD.search(folded):
        return None

    def of_run(found: re.Match[str]) -> str:
        pairs = _pairs(found[0])
        return f" {' '.join(pairs[:-1] if len(pairs) > 1 else pairs)} "

    cut = _RUN.sub(of_run, folded).strip()
    is_single = _RUN.fullmatch(folded) is not None and len(folded) == 1
    return f'"{cut}"' + (" *" if begins or is_single else "")
