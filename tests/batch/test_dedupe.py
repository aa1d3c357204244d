"""`wirecopy dedupe` end to end, with the real detection: what comes in, what comes out, what is refused."""

import csv
import gzip
import io
import json
import os
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import orjson
import pyarrow
import pyarrow.parquet
import pytest
import zstandard
from hypothesis import given, settings

from tests.writings import any_texts
from wirecopy.cli.commands import main
from wirecopy.detection.words.text import trace

FIELDS = ["id", "story", "canonical", "relation", "match", "score"]
Rows = list[dict[str, Any]]


@cache
def sample() -> Rows:
    """The packaged sample: 92 articles of seven languages."""
    data = (resources.files("wirecopy") / "data" / "sample" / "articles.jsonl").read_bytes()
    return [orjson.loads(line) for line in data.splitlines()]


@cache
def reports() -> list[str]:
    """Texts of stories of their own."""
    return [row["text"] for row in sample() if row["id"].endswith("-original")]


def row(key: str, text: str, **fields: Any) -> dict[str, Any]:
    return {"id": key, "text": text, **fields}


def lines(rows: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


class Run:
    """One run of the command over files in a folder of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.output = folder / "out.jsonl"
        self._capsys = capsys

    def write(self, name: str, content: bytes | Rows) -> str:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else lines(content))
        return str(path)

    def __call__(self, *arguments: str, code: int = 0) -> Rows:
        """-> the lines of output; none when there is no file of output. The exit code must be `code`."""
        self.output.unlink(missing_ok=True)
        assert main(["dedupe", *arguments, "--output", str(self.output)]) == code
        printed = self._capsys.readouterr()
        assert "Traceback" not in printed.err
        assert printed.out == ""
        self.told = printed.err.splitlines()
        return [json.loads(line) for line in self.output.read_bytes().splitlines()] if self.output.exists() else []

    def of(self, rows: Rows, *options: str, code: int = 0) -> Rows:
        return self(self.write("in.jsonl", rows), *options, code=code)


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(tmp_path, capsys)


def stories(rows: Rows) -> list[list[str]]:
    """The ids of each story, in the order in which stories and articles come."""
    members: dict[str, list[str]] = {}
    for one in rows:
        members.setdefault(one["story"], []).append(one["id"])
    return list(members.values())


# --- output -----------------------------------------------------------------------------------------------------------


def test_there_is_one_line_per_article_in_the_order_of_the_input(run: Run) -> None:
    rows = run.of(sample())
    assert [one["id"] for one in rows] == [one["id"] for one in sample()]
    assert all(list(one) == FIELDS for one in rows)


def test_every_story_has_one_canonical_and_every_line_agrees_with_itself(run: Run) -> None:
    rows = run.of(sample())
    by_id = {one["id"]: one for one in rows}
    for members in stories(rows):
        assert sum(by_id[key]["canonical"] for key in members) == 1
        for key in members:
            one = by_id[key]
            if len(members) == 1:
                assert (one["canonical"], one["relation"], one["match"], one["score"]) == (True, None, None, None)
            else:
                assert one["relation"] in ("identical", "copy", "rewrite")
                assert one["match"] in members
                assert one["match"] != key
                assert 0 <= one["score"] <= 1


@pytest.mark.parametrize("path", [[], ["--no-look-ahead"]])
def test_the_same_input_gives_the_same_output_byte_by_byte(run: Run, path: list[str]) -> None:
    run.of(sample(), *path)
    once = run.output.read_bytes()
    run.of(sample(), *path)
    assert run.output.read_bytes() == once


def test_how_the_input_is_cut_into_files_changes_nothing(run: Run) -> None:
    whole = run.of(sample())
    parts = [run.write(f"{k}.jsonl", sample()[k : k + 31]) for k in range(0, len(sample()), 31)]
    assert run(*parts) == whole


def test_the_summary_counts_articles_stories_copies_rewrites_and_refusals(run: Run) -> None:
    rows = run.of([*sample(), row("", "no id")], code=1)
    found = re.fullmatch(
        r"92 articles: ([0-9]+) stories, ([0-9]+) copies, ([0-9]+) rewrites, 1 refused; [0-9,]+ articles/s",
        run.told[-1],
    )
    assert found is not None
    story_count, copies, rewrites = map(int, found.groups())
    assert story_count == len(stories(rows))
    others = [one["relation"] for one in rows if not one["canonical"]]
    assert (copies, rewrites) == (len(others) - others.count("rewrite"), others.count("rewrite"))


def test_an_empty_input_gives_an_empty_output(run: Run) -> None:
    assert run.of([]) == []
    assert run.output.read_bytes() == b""
    assert run.told[-1].startswith("0 articles: 0 stories, 0 copies, 0 rewrites, 0 refused;")


def test_standard_output_gets_the_lines_and_standard_error_the_rest(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "in.jsonl").write_bytes(lines(sample()[:5]))
    assert main(["dedupe", str(tmp_path / "in.jsonl"), "--output", "-"]) == 0
    printed = capfdbinary.readouterr()
    assert [json.loads(line)["id"] for line in printed.out.splitlines()] == [one["id"] for one in sample()[:5]]
    assert printed.err.count(b"\n") == 1


def test_what_is_no_regular_file_is_written_directly(run: Run) -> None:
    pipe = run.folder / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:
        assert main(["dedupe", run.write("in.jsonl", sample()[:3]), "--output", str(pipe)]) == 0
        assert reader.stdout is not None
        assert reader.stdout.read().count(b"\n") == 3
    assert main(["dedupe", run.write("in.jsonl", sample()[:3]), "--output", os.devnull]) == 0


# --- unique, keep -----------------------------------------------------------------------------------------------------


def test_unique_holds_the_whole_input_line_of_each_canonical_in_order(run: Run) -> None:
    unique = run.folder / "unique.jsonl"
    given_rows = [one | {"extra": {"kept": number}} for number, one in enumerate(sample())]
    rows = run.of(given_rows, "--unique", str(unique))
    canonical = {one["id"] for one in rows if one["canonical"]}
    assert unique.read_bytes() == lines(one for one in given_rows if one["id"] in canonical)


def test_unique_of_a_table_is_lines_of_json(run: Run) -> None:
    unique = run.folder / "unique.jsonl"
    run(run.write("in.csv", as_csv(sample()[:9])), "--unique", str(unique))
    kept = [json.loads(line) for line in unique.read_bytes().splitlines()]
    assert {one["id"] for one in kept} <= {one["id"] for one in sample()[:9]}
    assert all({"id", "text", "title"} <= set(one) for one in kept)


@pytest.fixture
def versions() -> Rows:
    """One story: undated, late, early and short, early too, and the longest."""
    text = reports()[0]
    short = text[: text.rindex(".", 0, len(text) * 2 // 3) + 1]
    return [
        row("undated", text),
        row("late", text, published="2026-03-09T12:00:00Z"),
        row("early", short, published="2026-03-09"),
        row("as early", text, published="2026-03-09T02:00:00+02:00"),
        row("longest", text + " The agency added one more sentence here.", published="2026-03-10T00:00:00Z"),
    ]


@pytest.mark.parametrize(
    ("options", "canonical"), [([], "early"), (["--keep", "first"], "early"), (["--keep", "longest"], "longest")]
)
def test_the_canonical_is_the_earliest_or_the_longest(
    run: Run, versions: Rows, options: list[str], canonical: str
) -> None:
    rows = run.of(versions, *options)
    assert len(stories(rows)) == 1
    assert [one["id"] for one in rows if one["canonical"]] == [canonical]


def test_without_dates_the_first_of_the_input_is_canonical(run: Run, versions: Rows) -> None:
    undated = [{name: value for name, value in one.items() if name != "published"} for one in reversed(versions)]
    assert [one["id"] for one in run.of(undated) if one["canonical"]] == ["longest"]


# --- input ------------------------------------------------------------------------------------------------------------


def as_csv(rows: Rows) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=sorted({name for one in rows for name in one}), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_parquet(rows: Rows) -> bytes:
    data = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), data)
    return data.getvalue()


FORMATS: dict[str, Callable[[Rows], bytes]] = {
    "in.jsonl": lines,
    "in.ndjson": lines,
    "in.csv": as_csv,
    "in.jsonl.gz": lambda rows: gzip.compress(lines(rows)),
    "in.jsonl.zst": lambda rows: zstandard.compress(lines(rows)),
    "in.csv.gz": lambda rows: gzip.compress(as_csv(rows)),
    "in.csv.zst": lambda rows: zstandard.compress(as_csv(rows)),
    "in.parquet": as_parquet,
}


@pytest.mark.parametrize("name", FORMATS)
def test_articles_give_the_same_output_from_every_format(run: Run, name: str) -> None:
    assert run(run.write(name, FORMATS[name](sample()))) == run.of(sample())


def test_several_files_and_patterns_are_read_in_order(run: Run) -> None:
    run.write("b1.jsonl", sample()[2:4])
    run.write("b0.jsonl", sample()[:2])
    last = run.write("a.csv", as_csv(sample()[4:6]))
    assert [one["id"] for one in run(str(run.folder / "b*.jsonl"), last)] == [one["id"] for one in sample()[:6]]


def test_other_names_of_fields_are_mapped_null_is_absent_and_unknown_fields_are_ignored(run: Run) -> None:
    text = reports()[0]
    rows = [{"uri": "1", "body": text, "when": "2026-03-09", "id": 5, "title": None, "source": None, "x": [{}]}]
    rows += [{"uri": "2", "body": text, "when": "2026-03-01", "language": None}]
    found = run.of(rows, "--map", "text=body,id=uri", "--map", "published=when")
    assert [(one["id"], one["canonical"], one["relation"]) for one in found] == [
        ("1", False, "identical"),
        ("2", True, "identical"),
    ]


COMMAND = [sys.executable, "-m", "wirecopy", "dedupe"]


def test_standard_input_is_lines_of_json(run: Run) -> None:
    command = [*COMMAND, "-", "--output", "-"]
    done = subprocess.run(command, input=lines(sample()), capture_output=True, timeout=60, check=True)
    assert [json.loads(line) for line in done.stdout.splitlines()] == run.of(sample())


# --- refusals ---------------------------------------------------------------------------------------------------------

BAD = {
    "nonsense": "not JSON",
    "[1]": "an article must be a JSON object, not an array",
    '"text"': "an article must be a JSON object, not a string",
    '{"id": "b"}': "text is missing",
    '{"text": "b"}': "id is missing",
    '{"id": "b", "text": ""}': "text is empty",
    '{"id": "b", "text": " \\n"}': "text is empty",
    '{"id": "b", "text": null}': "text is missing",
    '{"id": 7.5, "text": "b"}': "id must be a string, not a number",
    '{"id": "b", "text": ["b"]}': "text must be a string, not an array",
    '{"id": "first", "text": "again"}': "id 'first' was already seen",
    '{"id": "b", "text": "' + "x" * 400 + '"}': "longer than 300 bytes",
}


LEFT_OUT = {
    '{"id": "b", "text": "b", "title": 3}': "title must be a string, not a number",
    '{"id": "b", "text": "b", "published": ["x"]}': "published must be a time or a date, not an array",
    '{"id": "b", "text": "b", "published": "soon"}': "published must be an RFC 3339 time or a date",
    '{"id": "b", "text": "b", "published": "2026-02-30"}': "published must be an RFC 3339 time or a date",
}


@pytest.mark.parametrize("odd", LEFT_OUT, ids=LEFT_OUT.values())
def test_a_field_that_cannot_be_read_costs_the_field_and_with_strict_the_run(run: Run, odd: str) -> None:
    file = run.write("in.jsonl", lines([row("first", "One.")]) + odd.encode() + b"\n")
    assert [one["id"] for one in run(file)] == ["first", "b"]
    assert run.told[0].startswith(f"{file}:2: left out: {LEFT_OUT[odd]}")
    assert run.told[1].endswith("; 1 fields left out")
    run.output.unlink()
    assert run(file, "--strict", code=1) == []
    assert run.told[0].startswith(f"{file}:2: {LEFT_OUT[odd]}")


@pytest.fixture
def settings_file(run: Run) -> str:
    return run.write("settings.yaml", b"limits: {max_line_bytes: 300}")


@pytest.mark.parametrize("bad", BAD, ids=BAD.values())
def test_a_bad_line_is_refused_by_file_line_and_reason_and_the_rest_goes_on(
    run: Run, settings_file: str, bad: str
) -> None:
    file = run.write("in.jsonl", lines([row("first", "One.")]) + bad.encode() + b"\n" + lines([row("last", "Two.")]))
    rows = run(file, "--config", settings_file, code=1)
    assert [one["id"] for one in rows] == ["first", "last"]
    assert len(run.told) == 2
    assert run.told[0].startswith(f"{file}:2: ")
    assert BAD[bad] in run.told[0]
    assert run.told[1].startswith("2 articles: 2 stories, 0 copies, 0 rewrites, 1 refused;")


@pytest.mark.parametrize("bad", BAD, ids=BAD.values())
def test_a_strict_run_stops_at_the_first_bad_line_without_output(run: Run, settings_file: str, bad: str) -> None:
    file = run.write("in.jsonl", lines([row("first", "One.")]) + bad.encode() + b"\n[2]\n")
    assert run(file, "--strict", "--config", settings_file, code=1) == []
    assert len(run.told) == 2
    assert BAD[bad] in run.told[0]
    assert run.told[1] == "wirecopy: stopped at the first refused line"
    assert not run.output.exists()


def test_an_id_is_refused_when_an_earlier_file_had_it_even_with_the_same_text(run: Run) -> None:
    a = run.write("a.jsonl", [row("1", reports()[0]), row("2", reports()[1])])
    b = run.write("b.jsonl", [row("3", reports()[0]), row("2", reports()[1]), row("1", reports()[2])])
    rows = run(a, b, code=1)
    assert stories(rows) == [["1", "3"], ["2"]]
    assert [told.split(" ")[0] for told in run.told[:2]] == [f"{b}:2:", f"{b}:3:"]


def test_refusals_are_told_in_the_order_of_the_lines(run: Run) -> None:
    file = run.write(
        "in.jsonl", lines([row("1", "One."), row("1", "Two.")]) + b"?\n" + lines([row("1", "Three.")]) + b"?"
    )
    run(file, code=1)
    assert [told.split(" ")[0] for told in run.told[:-1]] == [f"{file}:{number}:" for number in (2, 3, 4, 5)]


def test_lone_surrogates_are_accepted(run: Run) -> None:
    data = b'{"id": "1", "text": "broken \\ud83d emoji"}\n{"id": "2", "text": "broken \xef\xbf\xbd emoji"}\n'
    assert stories(run(run.write("in.jsonl", data))) == [["1", "2"]]


# --- failures of input and output -------------------------------------------------------------------------------------


def test_truncated_gzip_is_one_sentence_and_leaves_no_output(run: Run) -> None:
    whole = gzip.compress(lines(sample()))
    for length in (5, len(whole) // 2, len(whole) - 3):
        file = run.write("in.jsonl.gz", whole[:length])
        assert run(file, code=3) == []
        assert (
            run.told[-1] == f"wirecopy: cannot read {file}: the compressed data ends too early; the file is truncated"
        )
        assert not run.output.exists()


def test_broken_compression_is_one_sentence(run: Run) -> None:
    for name, data in (("in.jsonl.gz", b"no gzip at all, but long enough"), ("in.jsonl.zst", b"nor is this zst data")):
        file = run.write(name, data)
        run(file, code=3)
        assert run.told[-1].startswith(f"wirecopy: cannot read {file}: ")
        assert len(run.told) == 1


def test_a_missing_file_is_one_sentence(run: Run) -> None:
    file = str(run.folder / "absent.jsonl")
    run(file, code=3)
    assert run.told == [f"wirecopy: cannot read {file}: no such file or directory"]


def test_an_unwritable_output_is_one_sentence(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    file = run.write("in.jsonl", sample()[:3])
    folder = run.folder / "absent"
    for output, reason in ((folder / "out", "no such file or directory"), (run.folder, "it is a folder")):
        assert main(["dedupe", file, "--output", str(output)]) == 3
        assert capsys.readouterr().err == f"wirecopy: cannot write {output}: {reason}\n"


def test_a_usage_error_is_told_before_any_work(run: Run) -> None:
    file = run.write("in.jsonl", sample()[:3])
    for wrong in (["--keep", "best"], ["--window-days", "-1"], ["--window-days", "nan"], ["--map", "x=y"], ["--what"]):
        run(file, *wrong, code=2)
    run(file, "--config", run.write("bad.yaml", b"detection: {window: 3}"), code=2)


def test_an_earlier_output_stays_until_the_new_one_is_complete(run: Run) -> None:
    output = run.folder / "earlier.jsonl"
    output.write_bytes(b"before")
    cut = run.write("cut.jsonl.gz", gzip.compress(lines(sample()))[:500])
    assert main(["dedupe", cut, "--output", str(output)]) == 3
    assert output.read_bytes() == b"before"
    assert sorted(path.name for path in run.folder.iterdir()) == ["cut.jsonl.gz", "earlier.jsonl"]


def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_done(run: Run) -> None:
    file = run.write("in.jsonl", [row(f"{number}", f"{number} {reports()[0]}") for number in range(300)])
    code = """
        import resource, sys
        from wirecopy.cli.commands import main
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        sys.exit(main(sys.argv[1:]))
    """
    for options in ([], ["--unique", str(run.folder / "unique.jsonl")]):
        arguments = ["dedupe", file, "--output", str(run.output), *options]
        command = [sys.executable, "-c", textwrap.dedent(code), *arguments]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        # What the compiler keeps is limited too, so it may have to work anew.
        told = [line for line in done.stderr.decode().splitlines() if "compiling" not in line]
        assert (done.returncode, len(told)) == (3, 1), told
        assert told[0].startswith("wirecopy: cannot write ")
        assert told[0].endswith("file too large")
        assert [path.name for path in run.folder.iterdir()] == ["in.jsonl"]


# --- what is one story ------------------------------------------------------------------------------------------------


def test_short_texts_are_one_story_only_when_they_are_identical(run: Run) -> None:
    rows = run.of(
        [
            row("1", "Strike is over"),
            row("2", "Strike is over!"),
            row("3", "Strike is not over"),
            row("4", "The strike is over"),
            row("5", "Strike is over", title="Port Ashby"),
            row("6", "STRIKE IS “OVER”"),
        ]
    )
    assert stories(rows) == [["1", "2", "6"], ["3"], ["4"], ["5"]]
    assert [one["relation"] for one in rows] == ["identical", "identical", None, None, None, "identical"]


def test_a_short_text_does_not_join_the_article_that_it_was_taken_from(run: Run) -> None:
    text = reports()[0]
    assert len(stories(run.of([row("1", text), row("2", " ".join(text.split()[:5]))]))) == 2


def test_texts_without_words_are_not_the_same_story(run: Run) -> None:
    rows = run.of(
        [row("1", "😀😀"), row("2", "😀😀"), row("3", "…"), row("4", "— … —"), row("5", "\u200b"), row("6", "*")]
    )
    assert len(stories(rows)) == 6


@settings(deadline=None, max_examples=30)
@given(text=any_texts.filter(str.strip))
def test_the_same_text_is_always_one_story_unless_it_has_no_words(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.mktemp("same")
    (folder / "in.jsonl").write_bytes(lines([row("1", text), row("other", reports()[1]), row("2", text)]))
    assert main(["dedupe", str(folder / "in.jsonl"), "--output", str(folder / "out")]) == 0
    one, _, two = map(json.loads, (folder / "out").read_bytes().splitlines())
    if one["relation"] is None:
        assert trace([text]).words.tolist() == []
        assert one["story"] != two["story"]
    else:
        assert (one["relation"], two["relation"]) == ("identical", "identical")
        assert one["story"] == two["story"]


def dated(days: Iterable[float | None]) -> Rows:
    """Copies of one report, published so many days after the first of March."""
    rows = []
    for number, day in enumerate(days):
        published = (
            None if day is None else f"{date(2026, 3, 1) + timedelta(days=int(day))}T{round(day % 1 * 24):02}:00:00Z"
        )
        rows.append(row(str(number), reports()[0], published=published))
    return rows


@pytest.mark.parametrize(
    ("days", "options", "expected"),
    [
        ([0, 14], [], [["0", "1"]]),
        ([0, 14.25], [], [["0"], ["1"]]),
        ([14.25, 0], [], [["0"], ["1"]]),
        ([14, 0], [], [["0", "1"]]),
        ([0, 2], ["--window-days", "1.5"], [["0"], ["1"]]),
        ([0, 1.5], ["--window-days", "1.5"], [["0", "1"]]),
        ([0, 0.25], ["--window-days", "0"], [["0"], ["1"]]),
        ([0, 0], ["--window-days", "0"], [["0", "1"]]),
        ([0, 300], ["--window-days", "none"], [["0", "1"]]),
        ([0, None], ["--window-days", "0"], [["0", "1"]]),
        ([None, None], [], [["0", "1"]]),
        ([None, 300], [], [["0", "1"]]),
    ],
)
@pytest.mark.parametrize("path", [[], ["--no-look-ahead"]])
def test_articles_are_compared_within_the_window_whatever_their_order_and_undated_ones_always(
    run: Run, days: list[float | None], options: list[str], expected: list[list[str]], path: list[str]
) -> None:
    assert stories(run.of(dated(days), *options, *path)) == expected


def test_nothing_expires_however_many_articles_come_between(run: Run) -> None:
    fillers = [row(f"f{k}", f"Filler {k} of the year {k * 7919} about subject {k * 104729}.") for k in range(3000)]
    rows = run.of([row("first", reports()[0]), *fillers, row("last", reports()[0])])
    assert rows[0]["story"] == rows[-1]["story"]


# --- huge and strange -------------------------------------------------------------------------------------------------


def test_huge_and_strange_articles_are_answered_in_bounded_time(run: Run) -> None:
    strange = {
        "ten megabytes": (reports()[0] + "\n") * (10 * 2**20 // len(reports()[0].encode())),
        "one word": "word " * 1_000_000,
        "emoji": "😀🎉" * 100_000,
        "three words": "Strike is over",
        "controls": "\0\x01\x0f" * 1000 + "text",
        "markup": "<p>&amp;&nbsp;" * 50_000,
    }
    rows = [row(f"{name} {k}", text) for name, text in strange.items() for k in range(2)]
    started = time.perf_counter()
    found = run.of(rows)
    assert time.perf_counter() - started < 20
    for k, name in enumerate(strange):
        first, second = found[2 * k : 2 * k + 2]
        assert (first["story"] == second["story"]) == (name != "emoji"), name


def test_a_thousand_equal_articles_are_one_story_in_bounded_time(run: Run) -> None:
    started = time.perf_counter()
    found = run.of([row(str(k), reports()[0]) for k in range(1000)])
    assert time.perf_counter() - started < 20
    assert len(stories(found)) == 1


def test_output_ends_with_a_newline_and_is_utf_8(run: Run) -> None:
    run.of([row("идентификатор", reports()[0])])
    assert "идентификатор" in run.output.read_text("utf-8")
    assert run.output.read_bytes().endswith(b"}\n")


def test_the_command_says_itself_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dedupe", "--help"]) == 0
    printed = capsys.readouterr().out
    for option in (
        "--output",
        "--config",
        "--window-days",
        "--keep",
        "--unique",
        "--no-look-ahead",
        "--strict",
        "--map",
    ):
        assert option in printed
