"""What a trace does not see (spelling, markup, invisible characters) and what it does (words, numbers, quotations)."""

import html
import random
import time
import unicodedata
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.make_unicode import TWO_SCRIPTS
from tests.writings import PIECES, any_texts, is_old, some_texts
from wirecopy.detection.kernels.layout import HASH, NUMBER, QUOTED
from wirecopy.detection.words import text
from wirecopy.detector.answers.explain import compare
from wirecopy.detector.detector import Detector
from wirecopy.detector.tracing import trace
from wirecopy.schema.article import Article

law: Callable[[Any], Any] = settings(deadline=None)


def words(written: str) -> list[int]:
    return [int(word) for word in text.trace([written])[0]]


def hashes(written: str) -> list[int]:
    """The words without their flags."""
    return [word & HASH for word in words(written)]


def quoted(written: str) -> list[bool]:
    return [word >= QUOTED for word in words(written)]


# --- one word, many spellings -----------------------------------------------------------------------------------------


@law
@given(any_texts)
def test_composed_and_decomposed_spellings_have_the_same_words(written: str) -> None:
    assert words(unicodedata.normalize("NFC", written)) == words(unicodedata.normalize("NFD", written))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Zürich", "Zu\u0308rich"),
        ("naïve café", "naive cafe"),
        ("\u212bngström", "Ångström"),
        ("ﬁnance oﬃce", "finance office"),
        ("ᾠδή τῇ ἡμέρᾳ", "ωδη τη ημερα"),
        ("Τῌ", "τῃ"),
        ("ｶﾞｿﾘﾝﾊﾟﾈﾙ ﾅﾄﾞ", "ガソリンパネル ナド"),
        ("ﾊﾟ゙", "パ"),
        ("Ｗｉｒｅ １２３", "Wire 123"),
        ("𝐖𝐢𝐫𝐞", "wire"),
        ("㎏", "kg"),
        ("Straße", "STRASSE"),
        ("ΕΛΛΆΔΑΣ", "ελλάδας"),
        ("İSTANBUL ISPARTA", "istanbul ısparta"),
        ("Йод", "И\u0306ОД"),
        ("ёлка", "елка"),
        ("اَلْعَرَبِيَّةُ", "العربية"),
        ("مـــصر", "مصر"),
        ("کتابی", "كتابي"),
        ("שָׁלוֹם", "שלום"),
        ("क़लम", "क\u093cलम"),
        ("ガラス", "カ\u3099ラス"),
        ("한국어", "\u1112\u1161\u11ab\u1100\u116e\u11a8\u110b\u1165"),
        ("Coöperatie", "Co\u00adöpe\u00adra\u00adtie"),
        ("Łódź", "Lodz"),
        ("København", "Koebenhavn"),
        ("٢٠٢٦", "2026"),
        ("२०२६", "2026"),
        ("๒๕๖๙", "2569"),
        ("wiretap", "wire\u200btap"),
        ("ﷲ", "الله"),
    ],
)
def test_spellings_of_one_word(one: str, other: str) -> None:
    assert words(one) == words(other) != []


def has_iota_subscript(char: str) -> bool:
    """Capital letters write it as a letter of its own, small ones as a mark."""
    return "\u0345" in unicodedata.normalize("NFD", char)


@law
@given(any_texts)
def test_case_is_not_seen(written: str) -> None:
    """Except where capitals are other letters: of ß, from which German is known, too."""
    written = "".join(char for char in written if not has_iota_subscript(char) and char not in "&ßẞẚ")
    assert words(written.lower()) == words(written.upper()) == words(written)


INVISIBLE = [
    "\u00ad",
    "\u200b",
    "\u200c",
    "\u200d",
    "\u200e",
    "\u200f",
    "\u2060",
    "\u202a",
    "\u202c",
    "\u2066",
    "\ufeff",
    "\ufe0f",
]


# Letters whose spelling depends on what the text shows of its language.
TOLD_BY_THE_WHOLE = TWO_SCRIPTS | set("äöüåÄÖÜÅ\u0308\u030a\u0306Ð°")
PARTS = {*range(0x1100, 0x1200), *range(0xA960, 0xA980), *range(0xD7B0, 0xD800), 0x3099, 0x309A, 0xFF9E, 0xFF9F}


def is_plain(char: str) -> bool:
    """Neither markup nor a part that a character is composed of."""
    return char != "&" and ord(char) not in PARTS


@law
@given(some_texts, st.data())
def test_invisible_characters_are_not_seen_wherever_they_stand(written: str, data: st.DataObject) -> None:
    written = "".join(filter(is_plain, written))
    places = data.draw(st.lists(st.tuples(st.integers(0, len(written)), st.sampled_from(INVISIBLE)), max_size=8))
    hidden = written
    for place, mark in sorted(places, reverse=True):
        hidden = hidden[:place] + mark + hidden[place:]
    assert words(hidden) == words(written)


@law
@given(some_texts, st.sampled_from(["&#{};", "&#x{:x};", "&#X{:06X};"]))
def test_characters_may_be_written_as_references(written: str, pattern: str) -> None:
    written = "".join(filter(is_plain, written))
    assert words("".join(pattern.format(ord(char)) for char in written)) == words(written)


@law
@given(some_texts, st.integers(1, 3))
def test_escaped_text_has_the_words_of_the_text(written: str, times: int) -> None:
    written = written.replace("&", " ")
    escaped = written
    for _ in range(times):
        escaped = html.escape(escaped)
    assert words(escaped) == words(written)


def test_named_references_are_read() -> None:
    assert words("Caf&eacute; &laquo;Z&uuml;rich&raquo;&nbsp;&ndash; &hellip;") == words("Café «Zürich» – …")
    assert words("AT&T R&D &bogus; &") == words("AT T R D bogus ")


def test_a_reference_to_a_part_of_a_character_does_no_harm() -> None:
    assert words("か&#12441;") == words("か")
    assert words("&#x1100;") == []


def test_lone_surrogates_count_as_replacement_characters() -> None:
    assert words("wire\ud83dcopy \udc00") == words("wire\ufffdcopy \ufffd") == words("wire copy")
    assert text.spans("wire\ud83dcopy").last.tolist() == [4, 9]


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "1,376",
        "1.376",
        "1\u00a0376",
        "1\u202f376",
        "1\u2009376",
        "1376",
        "١٬٣٧٦",
        "１，３７６",
        "1&nbsp;376",
        "1\u00ad376",
    ],
)
def test_a_number_is_one_word_however_thousands_are_set_off(written: str) -> None:
    assert words(written) == words("1376")
    assert words(written)[0] & NUMBER
    assert len(words(f"In {written} cases")) == 3


def test_numbers_that_differ_are_different_words() -> None:
    numbers = ["1376", "1377", "13,76", "1,3", "376", "1,376,000", "1,376.5", "0", "00"]
    assert len({words(number)[0] for number in numbers}) == len(numbers)
    assert words("1.2") == words("1,2") != words("12")
    assert len(words("1 376")) == 2  # a plain space also stands between two numbers


@law
@given(st.integers(0, 10**15), st.sampled_from([",", ".", "\u00a0", "\u202f"]))
def test_grouped_digits_are_the_number(number: int, mark: str) -> None:
    assert words(f"{number:,}".replace(",", mark)) == words(str(number))


def test_digits_within_letters_are_words_of_their_own_and_letters_are_no_numbers() -> None:
    flags = [word & NUMBER > 0 for word in words("covid19 G7 half")]
    assert flags == [False, True, False, True, False]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.2 mln", "1.2 million"),
        ("1,2 Mio. Euro", "1,2 Millionen Euro"),
        ("3 млрд", "3 миллиарда"),
        ("5 bn", "5 billion"),
        ("5 Milliarden", "5 billion"),
        ("4,5 millones", "4.5 million"),
        ("12 percent", "12 Prozent"),
        ("250 тыс.", "250 thousand"),
    ],
)
def test_units_after_numbers_agree_across_spellings(one: str, other: str) -> None:
    assert words(one) == words(other)


def test_unit_words_stay_themselves_where_no_number_stands_before() -> None:
    assert words("mil")[0] != words("thousand")[0]
    assert words("a million") != words("a mln")


# --- quotations -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        *(("“", "”"), ("„", "“"), ("„", "”"), ("”", "”"), ("«", "»"), ("»", "«"), ("‹", "›"), ("‘", "’")),
        *(('"', '"'), ("''", "''"), ("« ", " »"), ("「", "」"), ("『", "』"), ("〝", "〟"), ("＂", "＂")),
        *(
            ("&quot;", "&quot;"),
            ("&ldquo;", "&rdquo;"),
            ("&laquo;&nbsp;", "&nbsp;&raquo;"),
            ("&amp;quot;", "&amp;quot;"),
        ),
    ],
)
def test_words_in_quotation_marks_of_every_style_are_flagged(opening: str, closing: str) -> None:
    assert quoted(f"He said {opening}never again{closing} on Monday.") == [False] * 2 + [True] * 2 + [False] * 2
    assert quoted(f"{opening}Never{closing}") == [True]


def test_words_between_two_equal_guillemets_are_flagged() -> None:
    assert quoted("Hän sanoi: »Ei enää»")[2:] == [True, True]


@pytest.mark.parametrize(
    "written", ["don't stop the people's won't", "don’t stop the people’s won’t", "rock 'n roll", "6' 2"]
)
def test_apostrophes_open_no_quotation(written: str) -> None:
    assert not any(quoted(written))


def test_an_apostrophe_does_not_end_a_single_quotation() -> None:
    assert quoted("‘We don’t know’ he said") == [True] * 4 + [False] * 2


def test_a_quotation_ends_with_its_line_or_after_many_words() -> None:
    assert quoted("“never closed\nnext line") == [True] * 2 + [False] * 2
    flags = quoted("“" + "word " * 500)
    assert flags[: text.LONGEST_QUOTE] == [True] * text.LONGEST_QUOTE
    assert not any(flags[text.LONGEST_QUOTE + 1 :])


def test_quotation_marks_do_not_change_the_words() -> None:
    assert hashes("He said: “Never again”") == hashes("He said: never again")


# --- scripts without spaces -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "青岚县发现宋代窑址群",
        "東京で地震が発生した",
        "ประเทศไทย",
        "ພາສາລາວ",
        "ភាសាខ្មែរ",
        "မြန်မာဘာသာ",
        "ひらがな",
        "𠀀𠀁𠀂",
    ],
)
def test_scripts_without_spaces_become_overlapping_pairs(written: str) -> None:
    pairs = [first + second for first, second in pairwise(written)]
    assert hashes(written) == [word for pair in pairs for word in hashes(pair)]
    assert len(words(written)) == len(written) - 1


def test_one_character_alone_is_a_word_and_differs_from_pairs() -> None:
    assert len(words("中")) == 1
    assert len({words(written)[0] for written in ("中", "文", "中文", "文中")}) == 4


def test_a_script_without_spaces_ends_where_letters_or_punctuation_stand() -> None:
    assert hashes("中文ABC语言，报道") == [*hashes("中文"), *hashes("abc"), *hashes("语言"), *hashes("报道")]


def test_text_without_letters_has_no_words() -> None:
    for written in ("", " \n", "😀🎉👩‍👩‍👧🇩🇪", "… — !!! ***", "\u200b\u200f", "&nbsp;&hellip;"):
        assert words(written) == []
        assert text.spans(written).words.tolist() == []


def test_a_trace_ends_at_the_limit_of_words() -> None:
    assert text.trace(["one two three four"], max_words=3)[0].tolist() == words("one two three")
    traces = text.trace(["one two", "e\u0301 \u3099 three four", "", "five"], max_words=2)
    assert [traces[k].tolist() for k in range(len(traces))] == [words("one two"), words("é three"), [], words("five")]


@law
@given(st.lists(any_texts, max_size=5))
def test_texts_traced_together_have_the_words_they_have_alone(several: list[str]) -> None:
    traces = text.trace(several)
    assert [traces[k].tolist() for k in range(len(traces))] == [words(written) for written in several]


# --- where words stand ------------------------------------------------------------------------------------------------


def test_spans_of_half_width_kana_cover_their_marks() -> None:
    spans = text.spans("ｶﾞｽ ﾊﾟﾈﾙ")
    assert spans.words.tolist() == words("ガス パネル")
    assert (spans.first.tolist(), spans.last.tolist()) == ([0, 2, 4, 6], [3, 6, 7, 8])


@law
@given(any_texts | st.text())
def test_spans_have_the_words_of_the_trace_and_cover_them(written: str) -> None:
    if any("\u0400" <= char <= "\u052f" for char in written):
        written = "".join(char for char in written if not (char.isascii() and char.isalpha()))  # what looks alike
    written = "".join(char for char in written if char not in TOLD_BY_THE_WHOLE)
    spans = text.spans(written)
    assert spans.words.tolist() == words(written)
    assert (spans.first >= 0).all()
    assert (spans.first < spans.last).all()
    assert (spans.last <= len(written)).all()
    assert (np.diff(spans.first) >= 0).all()
    units = set(text.scale_tables()[1].tolist())
    for word, first, last in zip(spans.words.tolist(), spans.first.tolist(), spans.last.tolist(), strict=True):
        assert word & HASH in hashes(written[first:last]) or word & HASH in units


def test_a_span_is_the_word_as_it_is_written() -> None:
    written = "Le Caf&eacute; “Zu\u0308rich” a 1\u00a0376 co\u00adöp, ça va; か\u3099き"
    spans = text.spans(written)
    pieces = [written[first:last] for first, last in zip(spans.first, spans.last, strict=True)]
    assert pieces == ["Le", "Caf&eacute;", "Zu\u0308rich", "a", "1\u00a0376", "co\u00adöp", "ça", "va", "か\u3099き"]


# --- bounded time -----------------------------------------------------------------------------------------------------

MEGABYTES = 10
HUGE = {
    "one word a million times": "word " * 1_000_000,
    "one letter": "a" * MEGABYTES * 2**20,
    "digits": "1" * MEGABYTES * 2**20,
    "grouped digits": "1,234" * (MEGABYTES * 2**20 // 5),
    "emoji": "😀" * (MEGABYTES * 2**18),
    "ampersands": "&" * MEGABYTES * 2**20,
    "nested references": "&amp;" * (MEGABYTES * 2**20 // 5),
    "quotation marks": "“„\"''«" * (MEGABYTES * 2**20 // 12),
    "pairs": "中文" * (MEGABYTES * 2**20 // 6),
    "decomposed letters": "e\u0301" * (MEGABYTES * 2**20 // 3),
    "combining marks": "\u0301" * (MEGABYTES * 2**19),
    "parts of characters": "\u1112\u1161\u11ab " * (MEGABYTES * 2**20 // 10),
    "separators": "\0" * MEGABYTES * 2**20,
    "ligatures": "ﷺ" * (MEGABYTES * 2**20 // 3),
}


@pytest.mark.parametrize("name", HUGE)
def test_ten_megabytes_of_anything_are_traced_and_decided_in_seconds(name: str) -> None:
    huge = HUGE[name]
    started = time.perf_counter()
    trace = text.trace([huge], max_words=1_000_000)
    assert len(trace.words) <= 1_000_000
    verdicts = Detector().ingest([Article("1", huge), Article("2", huge + " and more"), Article("3", huge)])
    assert len({verdicts[0].story, verdicts[2].story}) == (1 if len(trace.words) else 2)
    assert verdicts[2].relation == ("identical" if len(trace.words) else None)
    assert time.perf_counter() - started < 10


@pytest.mark.parametrize("name", ["one word a million times", "pairs", "parts of characters", "emoji"])
def test_huge_texts_are_compared_in_seconds(name: str) -> None:
    huge = HUGE[name][: 2**20]
    started = time.perf_counter()
    compare(Article("1", huge), Article("2", "Other words. " + huge))
    assert time.perf_counter() - started < 10


def test_every_piece_of_writing_is_read_without_trouble() -> None:
    for piece in PIECES:
        assert all(is_old(char) for char in piece if char.isalpha())
        text.trace([piece, piece * 3])


def test_a_trace_is_the_same_whatever_is_traced_with_it() -> None:
    chance = random.Random(5)

    def some(count: int) -> list[str]:
        return [f"word{chance.randrange(10**6)}" for _ in range(count)]

    articles = []
    for k in range(400):
        passage, between = some(26), some(900)
        articles.append(Article(f"a{k}", " ".join([*some(900), *passage, *between, *passage])))
    long = Article("long", " ".join(some(40_000)))
    together = trace([*articles, long], 100_000).texts
    for k, article in enumerate(articles):
        alone = trace([article], 100_000).texts[0]
        assert together[k].tolist() == alone.tolist(), article.id
