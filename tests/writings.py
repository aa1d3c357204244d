"""Text as newspapers around the world send it, and worse, for tests that generate input."""

import unicodedata

from hypothesis import strategies as st

PIECES = [
    *("Kursk", "Ministerium", "STRASSE", "straße", "école", "e\u0301cole", "İstanbul", "it's", "O’Neill", "naïve"),
    *("Москва", "Йод", "И\u0306од", "ΕΛΛΆΔΑΣ", "ελλάδας", "العربية", "اَلْعَرَبِيَّة", "مـــصر", "עִבְרִית"),
    *("हिन्दी", "क़लम", "தமிழ்", "한국어", "\u1112\u1161\u11ab", "中文报道", "中", "日本語", "カタカナ", "か\u3099き"),
    *("\u3099", "ｶﾞｽ", "ภาษาไทย", "မြန်မာ", "ខ្មែរ", "ﬁne", "㎏", "ﷺ", "㍿", "①", "½", "Ⅻ", "x²", "𝐁𝐨𝐥𝐝", "𠀀𠀁"),
    *("😀", "🇩🇪", "0", "7", "1,376", "1 376", "1\u00a0376", "1\u202f376", "1.376", "1.2", "1.2345.678,9", "12:30"),
    *("٣٫١٤", "１２３", "१२३", "million", "mln", "млн", "Mio", "m", "bn", "тысяч", "percent"),
    *("“", "”", "„", "«", "»", "‹", "›", "「", "」", "‘", "’", '"', "''", "'", "`", "〝", "〟", "&quot;", "&laquo;"),
    *("&amp;", "&#8217;", "&#X1f600;", "&amp;quot;", "&amp;amp;amp;#39;", "&bogus;", "&#12441;", "&#xD800;"),
    *("&", "&#", "&#x", "&#;", "&l", "&lt", "&thetasym;", "&thetasymm;", "&#00000065;", "&#000000065;", "&eacute;"),
    *("&#1114112;", " ", " ", " ", "\n", "\r\n", "\t", "-", "--", ".", ",", ", ", "\u00ad", "\u200b", "\u200f"),
    *("\ufeff", "\ufe0f", "\0", "\x0f", "\x01", "{~\x7f"),
]  # fmt: skip


def is_old(char: str) -> bool:
    """Characters that the shipped table and every Python know alike."""
    return unicodedata.ucd_3_2_0.category(char) != "Cn"


some_texts = st.lists(
    st.sampled_from(PIECES) | st.text(st.characters(exclude_categories=["Cs"]).filter(is_old), max_size=5)
).map("".join)
long_texts = st.builds(lambda piece, count: piece * count, st.sampled_from(PIECES), st.integers(20, 300))
any_texts = some_texts | st.builds(lambda a, b: a + b, some_texts, long_texts)
