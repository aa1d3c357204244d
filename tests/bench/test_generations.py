"""The stream of any number of articles: repeatable, renamed one to one, with true copies."""

from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from bench.generations import (
    COPY_EVERY,
    SHIFT_DAYS,
    Sources,
    exchange_of,
    generate,
    generate_one,
    main,
    read_sources,
    rename,
)

COMMON = frozenset({"the", "of", "a", "i", "und", "в", "7"})
TEXTS = st.text(alphabet="abciotheßäéÄñжюЩвδΣςأب漢字नि1237 ", min_size=1, max_size=8)


@given(st.lists(TEXTS, min_size=1, max_size=60), st.integers(0, 2**40), st.integers(1, 30))
def test_renaming_is_a_bijection_that_keeps_length_case_and_common_words(
    tokens: list[str], seed: int, generation: int
) -> None:
    exchange = exchange_of(tokens, seed, generation)
    different = set(tokens)
    renamed = {token: rename(token, COMMON, exchange) for token in different}
    assert len(set(renamed.values())) == len(different)
    for before, after in renamed.items():
        assert [c.isupper() for c in before] == [c.isupper() for c in after]
        assert [c.isascii() for c in before] == [c.isascii() for c in after]
        assert [c.isdecimal() for c in before] == [c.isdecimal() for c in after]
        assert (before.lower() in COMMON) == (after.lower() in COMMON)
        assert before == after or before.lower() not in COMMON


def test_exchange_keeps_every_letter_in_its_script() -> None:
    exchange = exchange_of(["abc", "жщю", "漢字報", "δσω"], seed=1, generation=1)
    assert {chr(exchange[ord(c)]) for c in "жщю"} == set("жщю")
    assert {chr(exchange[ord(c)]) for c in "漢字報"} == set("漢字報")


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    path = tmp_path / "articles.jsonl"
    rows = [
        {
            "id": f"a{number}",
            "title": f"Title {number}",
            "text": " ".join(f"the word{number}x{place} of" for place in range(40)),
            "source": "daily.example",
            "published": f"2024-03-{1 + number % 28:02d}T10:00:00Z",
        }
        for number in range(98)
    ]
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return read_sources([path], common_share=0.5)


def test_generations_repeat_exactly_for_a_seed_and_differ_for_another(sources: Sources) -> None:
    first = list(islice(generate(sources, seed=3), 250))
    assert first == list(islice(generate(sources, seed=3), 250))
    assert first != list(islice(generate(sources, seed=4), 250))


def test_generation_0_keeps_the_texts_and_later_ones_only_the_common_words(sources: Sources) -> None:
    zero = {row["id"]: row for row in generate_one(sources, seed=1, generation=0)}
    second = {row["id"]: row for row in generate_one(sources, seed=1, generation=2)}
    assert zero["a5~0"]["text"].startswith("the word5x0 of the word5x1 of")
    assert zero["a5~0"]["title"] == "Title 5"
    before, after = zero["a5~0"]["text"].split(), second["a5~2"]["text"].split()
    assert before[::3] == after[::3] == ["the"] * 40
    assert not set(before[1::3]) & set(after[1::3])


def test_a_generation_is_published_fifteen_days_after_the_one_before(sources: Sources) -> None:
    row = next(row for row in generate_one(sources, seed=1, generation=3) if row["id"] == "a0~3")
    assert datetime.fromisoformat(row["published"]) == datetime.fromisoformat("2024-03-01T10:00:00Z") + timedelta(
        days=3 * SHIFT_DAYS
    )


def test_one_article_in_fifty_is_a_copy_of_one_before_it_published_within_a_day(sources: Sources) -> None:
    rows = list(generate_one(sources, seed=1, generation=1))
    by_id = {row["id"]: row for row in rows}
    copies = [row for row in rows if "copy_of" in row]
    assert len(copies) * COPY_EVERY == len(rows) == len(by_id)
    for copy in copies:
        original = by_id[copy["copy_of"]]
        delay = datetime.fromisoformat(copy["published"]) - datetime.fromisoformat(original["published"])
        assert timedelta(0) <= delay < timedelta(days=1)
        assert 0.5 < len(copy["text"]) / len(original["text"]) <= 1.0
        assert set(copy["text"].split()) <= set(original["text"].split())
        assert rows.index(original) < rows.index(copy)


def test_the_command_writes_as_many_lines_as_asked_for(tmp_path: Path) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"id": "x", "text": "One short text."}\n{"id": "y", "text": "\\ud83d alone"}\n')
    outcome = CliRunner().invoke(main, [str(source), "--articles", "7", "--output", str(output)])
    assert outcome.exit_code == 0, outcome.output
    rows = [orjson.loads(line) for line in output.read_bytes().splitlines()]
    assert len({row["id"] for row in rows}) == 7
    assert all("published" not in row for row in rows)
