"""Input files become articles in order; what is no article is refused by file, line and reason."""

import gzip
import io
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from wirecopy.config import Limits
from wirecopy.errors import InputFailed, UsageError
from wirecopy.files import lines
from wirecopy.files.reading import Chunk, expand, read, read_article
from wirecopy.schema.article import Article

LIMITS = Limits()


def line_of(article_id: str, text: str = "Some text.", **fields: Any) -> bytes:
    return json.dumps({"id": article_id, "text": text, **fields}).encode() + b"\n"


def read_all(*inputs: str | Path, limits: Limits = LIMITS, **options: Any) -> Chunk:
    """All chunks as one."""
    whole = Chunk(lines=[] if options.get("keep_lines") else None)
    for chunk in read([str(name) for name in inputs], limits=limits, mapping=options.pop("mapping", {}), **options):
        whole.articles += chunk.articles
        whole.places += chunk.places
        whole.refusals += chunk.refusals
        if whole.lines is not None and chunk.lines is not None:
            whole.lines += chunk.lines
    return whole


def ids(chunk: Chunk) -> list[str]:
    return [article.id for article in chunk.articles]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


class StandardInput:
    """Stands in for `sys.stdin`."""

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BufferedReader(io.BytesIO(data))


def test_json_lines_are_read_in_order_with_their_places(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", line_of("1") + b"\n  \r\n" + line_of("2"))
    chunk = read_all(file)
    assert chunk.articles == [Article("1", "Some text."), Article("2", "Some text.")]
    assert chunk.places == [(str(file), 1), (str(file), 4)]
    assert chunk.refusals == []


def test_several_files_are_read_one_after_the_other_and_chunks_span_them(tmp_path: Path) -> None:
    a = write(tmp_path / "a.jsonl", line_of("1") + line_of("2"))
    b = write(tmp_path / "b.ndjson", line_of("3"))
    chunks = list(read([str(b), str(a)], limits=LIMITS, mapping={}, chunk_size=2))
    assert [ids(chunk) for chunk in chunks] == [["3", "1"], ["2"]]


def test_a_mark_at_the_start_carriage_returns_and_a_missing_last_newline_do_no_harm(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf" + line_of("1").replace(b"\n", b"\r\n") + line_of("2").rstrip()
    chunk = read_all(write(tmp_path / "a.jsonl", data), keep_lines=True)
    assert ids(chunk) == ["1", "2"]
    assert chunk.lines == [line_of("1").rstrip(), line_of("2").rstrip()]


def test_bad_lines_are_refused_in_order_and_the_rest_goes_on(tmp_path: Path) -> None:
    data = b'nonsense\n{"id": "x"}\n' + line_of("1") + b"\xff\n" + line_of("2", "") + line_of("3")
    file = write(tmp_path / "a.jsonl", data)
    chunk = read_all(file)
    assert ids(chunk) == ["1", "3"]
    assert [refusal.line for refusal in chunk.refusals] == [1, 2, 4, 5]
    assert [str(refusal).removeprefix(f"{file}:")[:12] for refusal in chunk.refusals] == [
        *("1: not JSON:", "2: text is m", "4: not UTF-8", "5: text is e")
    ]


def test_a_line_over_the_limit_is_refused_without_losing_its_neighbours(tmp_path: Path) -> None:
    limits = Limits(max_line_bytes=100)
    data = line_of("1") + line_of("2", "x" * (3 * 2**20)) + line_of("3") + line_of("4", "y" * 200) + line_of("5")
    chunk = read_all(write(tmp_path / "a.jsonl", data), limits=limits)
    assert ids(chunk) == ["1", "3", "5"]
    assert [(refusal.line, refusal.reason) for refusal in chunk.refusals] == [
        (2, "longer than 100 bytes"),
        (4, "longer than 100 bytes"),
    ]


def test_a_line_of_exactly_the_limit_is_accepted(tmp_path: Path) -> None:
    line = line_of("1")
    file = write(tmp_path / "a.jsonl", line)
    assert ids(read_all(file, limits=Limits(max_line_bytes=len(line) - 1))) == ["1"]
    assert ids(read_all(file, limits=Limits(max_line_bytes=len(line) - 2))) == []


def test_a_flood_of_refusals_does_not_pile_up_in_one_chunk(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", b"x\n" * 25)
    chunks = list(read([str(file)], limits=LIMITS, mapping={}, chunk_size=10))
    assert [len(chunk.refusals) for chunk in chunks] == [10, 10, 5]


def test_chunks_of_very_long_articles_are_cut_short(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", b"".join(line_of(str(n), "x" * 2**23) for n in range(5)))
    assert [len(chunk.articles) for chunk in read([str(file)], limits=LIMITS, mapping={})] == [2, 2, 1]


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_compressed_files_may_consist_of_several_parts(tmp_path: Path, suffix: str) -> None:
    compress = gzip.compress if suffix == "gz" else zstandard.ZstdCompressor().compress
    parts = [compress(line_of(str(n), "word " * 5000)) for n in range(4)]
    assert ids(read_all(write(tmp_path / f"a.jsonl.{suffix}", b"".join(parts)))) == ["0", "1", "2", "3"]


def test_zero_padding_after_gzip_and_skippable_zstd_frames_do_no_harm(tmp_path: Path) -> None:
    padded = write(tmp_path / "a.jsonl.gz", gzip.compress(line_of("1")) + b"\0" * 10_000)
    skippable = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"notes"
    frame = zstandard.ZstdCompressor().compress(line_of("2"))
    framed = write(tmp_path / "b.jsonl.zst", skippable + frame + skippable)
    assert ids(read_all(padded, framed)) == ["1", "2"]


@pytest.mark.parametrize("suffix", ["gz", "zst"])
@pytest.mark.parametrize("kept", [0.0, 0.01, 0.5, 0.9999])
def test_a_truncated_file_is_a_failure_after_what_could_be_read(tmp_path: Path, suffix: str, kept: float) -> None:
    compress = gzip.compress if suffix == "gz" else zstandard.ZstdCompressor().compress
    data = compress(b"".join(line_of(str(n), os.urandom(500).hex()) for n in range(1000)))
    whole = write(tmp_path / "whole.jsonl", line_of("first"))
    file = write(tmp_path / f"cut.jsonl.{suffix}", data[: int(len(data) * kept)])
    chunks: list[Chunk] = []
    with pytest.raises(InputFailed, match=f"cannot read .*cut.jsonl.{suffix}: .*truncated"):
        chunks.extend(read([str(whole), str(file)], limits=LIMITS, mapping={}, chunk_size=7))
    seen = [article_id for chunk in chunks for article_id in ids(chunk)]
    assert not any(chunk.refusals for chunk in chunks)  # half a line is no line
    assert seen == ["first", *map(str, range(len(seen) - 1))]
    assert len(seen) > 50 or kept < 0.5


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_damaged_compressed_data_is_a_failure(tmp_path: Path, suffix: str) -> None:
    file = write(tmp_path / f"a.jsonl.{suffix}", b"this was never compressed")
    with pytest.raises(InputFailed, match="the compressed data is damaged"):
        read_all(file)


def test_missing_files_folders_and_patterns_without_match_fail_before_anything_is_read(tmp_path: Path) -> None:
    good = write(tmp_path / "a.jsonl", line_of("1"))
    (tmp_path / "empty").mkdir()
    for name, reason in [
        ("absent.jsonl", "no such file or directory"),
        ("*.csv", "no file matches this pattern"),
        ("empty", "no file in this folder is read"),
    ]:
        with pytest.raises(InputFailed, match=reason) as failure:
            next(read([str(good), str(tmp_path / name)], limits=LIMITS, mapping={}))
        assert failure.value.file == str(tmp_path / name)


def test_patterns_are_expanded_in_sorted_order_and_a_file_of_that_very_name_wins(tmp_path: Path) -> None:
    for name in ("b1.jsonl", "b2.jsonl", "a[1].jsonl", "a1.jsonl"):
        write(tmp_path / name, b"")
    (tmp_path / "b0.jsonl").mkdir()
    assert expand([str(tmp_path / "b*.jsonl")]) == [str(tmp_path / "b1.jsonl"), str(tmp_path / "b2.jsonl")]
    assert expand([str(tmp_path / "a[1].jsonl")]) == [str(tmp_path / "a[1].jsonl")]


@pytest.mark.parametrize("name", ["a.txt", "a.pdf", "a", "a.parquet.gz", "a.gz"])
def test_a_format_that_is_not_read_is_a_usage_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="wirecopy reads"):
        read_all(write(tmp_path / name, b""))


def test_a_dash_is_json_lines_on_standard_input_and_can_be_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", StandardInput(line_of("1") + b"?\n"))
    chunk = read_all("-")
    assert ids(chunk) == ["1"]
    assert str(chunk.refusals[0]).startswith("<stdin>:2: not JSON")
    with pytest.raises(UsageError, match="only once"):
        read_all("-", "-")


def test_csv_cells_may_hold_newlines_and_a_record_is_named_by_its_first_line(tmp_path: Path) -> None:
    table = '\ufeffid,text,title\r\n1,"Two\r\nlines, ""quoted""",\r\n\r\n2,,T\n3,"a\nb\nc"\n4,Four,T'
    file = write(tmp_path / "a.csv", table.encode())
    chunk = read_all(file)
    assert chunk.articles == [Article("1", 'Two\r\nlines, "quoted"'), Article("4", "Four", "T")]
    assert [line for _, line in chunk.places] == [2, 9]
    assert [(refusal.line, refusal.reason) for refusal in chunk.refusals] == [
        (5, "text is missing"),
        (6, "2 cells under a header of 3"),
    ]


def test_csv_that_is_no_csv_or_no_utf8_or_too_long_is_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    rows = [b"id,text", b'1,"a"b', b"2,\xff", "3,Thrée".encode(), b"4," + b"x" * 200, b"5,Five", b'6,"open']
    chunk = read_all(write(tmp_path / "a.csv", b"\n".join(rows)), limits=Limits(max_line_bytes=100))
    assert ids(chunk) == ["3", "5"]
    assert [refusal.line for refusal in chunk.refusals] == [2, 3, 5, 7]
    reasons = [refusal.reason for refusal in chunk.refusals]
    assert reasons[1:3] == ["not UTF-8", "not CSV: longer than 100 bytes"]
    assert all(reason.startswith("not CSV: ") for reason in (reasons[0], reasons[3]))


def test_csv_fields_may_be_as_long_as_the_line_limit(tmp_path: Path) -> None:
    chunk = read_all(write(tmp_path / "a.csv", b"id,text\n1," + b"x" * 500_000))
    assert len(chunk.articles[0].text) == 500_000


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"", "it has no header line"),
        (b"\n\n", "it has no header line"),
        (b"a;b\n", "it has no column 'id', only a, b"),
        (b"id,prose\n", "it has no column 'text'"),
        (b"id,text,text\n", "more than one column 'text'"),
        (b'"id\n', "its header is not CSV"),
    ],
)
def test_a_csv_header_must_name_what_is_needed(tmp_path: Path, header: bytes, reason: str) -> None:
    with pytest.raises(InputFailed, match=reason):
        read_all(write(tmp_path / "a.csv", header))


def test_csv_rows_are_kept_as_json_objects_with_all_their_columns(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv.gz", gzip.compress(b"uri,body,extra\nu,Text,7\n"))
    chunk = read_all(file, mapping={"id": "uri", "text": "body"}, keep_lines=True)
    assert chunk.articles == [Article("u", "Text")]
    assert chunk.lines == [b'{"uri":"u","body":"Text","extra":"7"}']


def test_parquet_rows_are_articles_and_times_of_every_unit_are_understood(tmp_path: Path) -> None:
    moment = datetime(2024, 8, 12, 9, 30, 0, 123_000, tzinfo=UTC)
    table = pyarrow.table(
        {
            "id": ["1", "2", None],
            "text": ["One", "Two", "Three"],
            "published": pyarrow.array([moment, None, None], pyarrow.timestamp("ns", "Europe/Berlin")),
            "tags": [["a"], [], None],
        }
    )
    file = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(table, file)
    chunk = read_all(file, keep_lines=True)
    milliseconds = int(moment.timestamp() * 1000)
    assert chunk.articles == [Article("1", "One", published=milliseconds), Article("2", "Two")]
    assert [(refusal.line, refusal.reason) for refusal in chunk.refusals] == [(3, "id is missing")]
    assert chunk.lines is not None
    assert json.loads(chunk.lines[0]) == {
        "id": "1",
        "text": "One",
        "published": "2024-08-12T09:30:00.123000+00:00",
        "tags": ["a"],
    }


def test_parquet_dates_and_times_without_zone_are_utc(tmp_path: Path) -> None:
    days = pyarrow.array([date(2024, 8, 12)], pyarrow.date32())
    naive = pyarrow.array([datetime(2024, 8, 12)], pyarrow.timestamp("us"))
    for number, published in enumerate((days, naive)):
        file = tmp_path / f"{number}.parquet"
        pyarrow.parquet.write_table(pyarrow.table({"id": ["1"], "text": ["One"], "published": published}), file)
        assert read_all(file).articles[0].published == 1_723_420_800_000


def test_damaged_parquet_and_missing_columns_are_failures_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputFailed, match="not readable as parquet") as failure:
        read_all(write(tmp_path / "a.parquet", b"PAR1 but not really"))
    assert "\n" not in str(failure.value)
    pyarrow.parquet.write_table(pyarrow.table({"id": ["1"]}), tmp_path / "b.parquet")
    with pytest.raises(InputFailed, match="no column 'text'"):
        read_all(tmp_path / "b.parquet")


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputFailed, match=r"pip install 'wirecopy\[parquet\]'"):
        read_all(write(tmp_path / "a.parquet", b""))


def test_a_pipe_without_a_known_ending_holds_json_lines(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, line_of("1"))
    os.close(writer)
    assert ids(read_all(f"/dev/fd/{reader}")) == ["1"]
    os.close(reader)


def test_one_article_is_read_from_text_or_json(tmp_path: Path) -> None:
    text = write(tmp_path / "a.txt", "\ufeffPlain {text}".encode())
    assert read_article(str(text), LIMITS) == Article(str(text), "Plain {text}")
    unnamed = write(tmp_path / "b.json", b'{"text": "T", "title": "H"}')
    assert read_article(str(unnamed), LIMITS) == Article(str(unnamed), "T", "H")
    assert read_article(str(write(tmp_path / "c", line_of("c"))), LIMITS).id == "c"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.json", b"plain text", "not JSON"),
        ("a.txt", b"\xff", "not UTF-8"),
        ("a.txt", b"  \n", "text is empty"),
        ("a.json", b'{"id": 4.5, "text": "x"}', "id must be a string"),
        ("a.txt", b"x" * 200, "longer than 100 bytes"),
    ],
)
def test_one_article_that_is_none_is_a_failure(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    with pytest.raises(InputFailed, match=reason):
        read_article(str(write(tmp_path / name, data)), Limits(max_line_bytes=100))


def reference_lines(data: bytes, max_line_bytes: int) -> list[bytes | None]:
    found = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    return [line if len(line) <= max_line_bytes else None for line in (found if found[-1] else found[:-1])]


@given(
    st.lists(st.binary(max_size=6) | st.sampled_from([b"\n", b"\xef", b"\xbb\xbf", b"ab\ncd\n\n"])),
    st.integers(1, 12),
)
def test_lines_do_not_depend_on_how_blocks_cut_them(blocks: Sequence[bytes], max_line_bytes: int) -> None:
    found = list(lines._split(lines._without_mark(blocks), max_line_bytes))
    assert found == reference_lines(b"".join(blocks), max_line_bytes)
