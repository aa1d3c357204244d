"""The command line: what it passes on, what it prints, and its exit codes.

The grouping itself is stood in for by `exact_batch`, which puts equal texts into one story.
"""

import json
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import orjson
import pytest
from msgspec import Struct

from wirecopy import errors
from wirecopy.cli.commands import EXIT_CODES, exit_code, main
from wirecopy.config import Config
from wirecopy.files import reading
from wirecopy.schema.answers import Change, Comparison, Contribution, Fragment, Paragraph, Paragraphs, Passage
from wirecopy.schema.article import Article
from wirecopy.schema.version import VERSION


class Row(Struct):
    id: str
    story: str
    canonical: bool
    relation: str | None
    match: str | None
    score: float | None


class Summary(NamedTuple):
    articles: int
    stories: int
    copies: int
    rewrites: int
    refused: int
    known: int
    seconds: float
    stages: dict[str, float]
    beside: dict[str, float]


class Result:
    """Equal texts are one story."""

    def __init__(self, articles: Sequence[Article], lines: Sequence[bytes], refused: int) -> None:
        self.firsts: dict[str, str] = {}
        self.lines = []
        self.table = []
        for number, article in enumerate(articles):
            first = self.firsts.setdefault(article.text, article.id)
            alone = first == article.id
            if alone and lines:
                self.lines.append(lines[number])
            relation = (None, None, None) if alone else ("identical", first, 1.0)
            self.table.append(Row(article.id, f"story-{first}", alone, *relation))
        copies = len(articles) - len(self.firsts)
        self.summary = Summary(
            len(articles), len(self.firsts), copies, 0, refused, 0, 0.5, {"read": 0.1, "match": 0.4}, {"sketch": 0.2}
        )

    def rows(self) -> Iterator[Row]:
        return iter(self.table)

    def unique_lines(self) -> Iterator[bytes]:
        return iter(self.lines)


class ExactBatch:
    """Stands in for the module `wirecopy.batch.run`; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}
        self.failure: BaseException | None = None

    def dedupe(self, inputs: Sequence[str], config: Config, *, mapping: Mapping[str, str], **options: Any) -> Result:
        self.asked = {"inputs": list(inputs), "config": config, "mapping": dict(mapping), **options}
        articles: list[Article] = []
        lines: list[bytes] = []
        refused = 0
        for chunk in reading.read(inputs, limits=config.limits, mapping=mapping, keep_lines=options["want_lines"]):
            articles += chunk.articles
            lines += chunk.lines or []
            options["on_progress"](len(articles))
            for refusal in chunk.refusals:
                refused += 1
                options["on_refusal"](refusal)
                if options["strict"]:
                    raise errors.Refused(refusal)
        if self.failure is not None:
            raise self.failure
        return Result(articles, lines, refused)


@pytest.fixture
def exact_batch(monkeypatch: pytest.MonkeyPatch) -> ExactBatch:
    batch = ExactBatch()
    monkeypatch.setitem(sys.modules, "wirecopy.batch.run", batch)
    monkeypatch.setattr("wirecopy.batch.run", batch, raising=False)
    return batch


@pytest.fixture(autouse=True)
def _keep_signal_handler() -> Iterator[None]:
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    file = tmp_path / "in.jsonl"
    rows = [("1", "One"), ("2", "Two"), ("3", "One")]
    file.write_bytes(b"".join(orjson.dumps({"id": key, "text": text, "x": key}) + b"\n" for key, text in rows))
    return file


def test_dedupe_writes_one_line_per_article_in_input_order(
    exact_batch: ExactBatch, articles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dedupe", str(articles), "--output", str(tmp_path / "out.jsonl")]) == 0
    assert [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()] == [
        {"id": "1", "story": "story-1", "canonical": True, "relation": None, "match": None, "score": None},
        {"id": "2", "story": "story-2", "canonical": True, "relation": None, "match": None, "score": None},
        {"id": "3", "story": "story-1", "canonical": False, "relation": "identical", "match": "1", "score": 1.0},
    ]
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "3 articles: 2 stories, 1 copies, 0 rewrites, 0 refused; 6 articles/s\n"


def test_dedupe_passes_the_packaged_defaults_on(exact_batch: ExactBatch, articles: Path) -> None:
    assert main(["dedupe", str(articles), "-o", "-"]) == 0
    asked = exact_batch.asked
    assert asked["inputs"] == [str(articles)]
    assert asked["config"] == Config()
    assert asked["mapping"] == {}
    assert (asked["look_ahead"], asked["strict"], asked["want_lines"]) == (True, False, False)


def test_options_win_over_the_file_and_the_file_over_the_defaults(
    exact_batch: ExactBatch, articles: Path, tmp_path: Path
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("detection: {window_days: 3, min_words: 5}\nstories: {keep: longest}", encoding="utf-8")
    assert main(["dedupe", str(articles), "-o", "-", "--config", str(file)]) == 0
    given = exact_batch.asked["config"]
    assert (given.detection.window_days, given.stories.keep) == (3, "longest")
    options = ["--config", str(file), "--window-days", "none", "--keep", "first_seen", "--no-look-ahead", "--strict"]
    assert main(["dedupe", str(articles), "-o", "-", *options]) == 0
    asked = exact_batch.asked
    assert (asked["config"].detection.window_days, asked["config"].detection.min_words) == (None, 5)
    assert (asked["config"].stories.keep, asked["look_ahead"], asked["strict"]) == ("first_seen", False, True)


def test_unique_holds_one_whole_input_line_per_story(exact_batch: ExactBatch, articles: Path, tmp_path: Path) -> None:
    unique = tmp_path / "unique.jsonl"
    assert main(["dedupe", str(articles), "-o", str(tmp_path / "out"), "--unique", str(unique)]) == 0
    assert unique.read_bytes().splitlines() == articles.read_bytes().splitlines()[:2]


def test_other_names_of_fields_are_passed_on(exact_batch: ExactBatch, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("uri,body\nu1,Text", encoding="utf-8")
    assert main(["dedupe", str(file), "-o", str(tmp_path / "out"), "--map", "text=body,id=uri"]) == 0
    assert exact_batch.asked["mapping"] == {"text": "body", "id": "uri"}
    assert b'"id":"u1"' in (tmp_path / "out").read_bytes()


def test_refused_lines_are_told_by_place_and_exit_code(
    exact_batch: ExactBatch, articles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    articles.write_bytes(articles.read_bytes() + b'{"id": "\\u001b[2J", "text": 3}\n')
    assert main(["dedupe", str(articles), "-o", str(tmp_path / "out")]) == 1
    first, summary = capsys.readouterr().err.splitlines()
    assert first == f"{articles}:4: text must be a string, not a number"
    assert ", 1 refused; " in summary
    assert len((tmp_path / "out").read_bytes().splitlines()) == 3


def test_a_strict_run_stops_and_leaves_no_output(
    exact_batch: ExactBatch, articles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    articles.write_bytes(b"?\n" + articles.read_bytes())
    assert main(["dedupe", str(articles), "-o", str(tmp_path / "out"), "--strict"]) == 1
    assert capsys.readouterr().err.splitlines()[1:] == ["wirecopy: stopped at the first refused line"]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["IN", "-o", "out.docx"], 2, "out.docx: wirecopy writes .jsonl, .ndjson, .csv"),
        (["-o", "OUT"], 2, "Missing argument 'INPUT...'"),
        (["IN", "-o", "OUT", "--keep", "best"], 2, "'best' is not one of"),
        (["IN", "-o", "OUT", "--window-days", "soon"], 2, "neither a number of days nor 'none'"),
        (["IN", "-o", "OUT", "--window-days", "-1"], 2, "command line: detection.window_days: Expected `float` >= 0"),
        (["IN", "-o", "OUT", "--map", "body"], 2, "'body' is not FIELD=NAME"),
        (["IN", "-o", "OUT", "--map", "text=a,text=b"], 2, "text is given twice"),
        (["IN", "-o", "OUT", "--config", "absent.yaml"], 2, "absent.yaml: cannot be read"),
        (["IN", "-o", "IN"], 2, "is an input too"),
        (["IN", "-o", "OUT", "--unique", "OUT"], 2, "two outputs go to"),
        (["-", "-", "-o", "OUT"], 2, "can be read only once"),
        (["notes.txt", "-o", "OUT"], 2, "wirecopy reads .jsonl"),
        (["absent.jsonl", "-o", "OUT"], 3, "cannot read absent.jsonl: no such file or directory"),
        (["*.csv", "-o", "OUT"], 3, "cannot read *.csv: no file matches this pattern"),
        (["cut.jsonl.gz", "-o", "OUT"], 3, "cannot read cut.jsonl.gz: the compressed data ends too early"),
        (["IN", "-o", "absent/OUT"], 3, "cannot write absent/OUT: no such file or directory"),
        (["IN", "-o", "/dev/full"], 3, "cannot write /dev/full: no space left on device"),
    ],
)
def test_a_foreseeable_failure_is_one_sentence_and_an_exit_code(
    arguments: list[str],
    code: int,
    sentence: str,
    exact_batch: ExactBatch,
    articles: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cut.jsonl.gz").write_bytes(b"\x1f\x8b\x08\0")
    (tmp_path / "notes.txt").touch()
    before = sorted(path.name for path in tmp_path.iterdir())
    names = {"IN": articles.name, "OUT": "out.jsonl"}
    assert main(["dedupe", *(names.get(argument, argument) for argument in arguments)]) == code
    printed = capsys.readouterr()
    assert sentence in printed.err
    assert "Traceback" not in printed.err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (errors.InputFailed("x.gz", "it broke"), 3),
        (KeyboardInterrupt(), 130),
        (OSError(28, "No space left on device"), 3),
    ],
)
def test_a_failure_in_the_middle_leaves_no_output(
    failure: BaseException, code: int, exact_batch: ExactBatch, articles: Path, tmp_path: Path
) -> None:
    exact_batch.failure = failure
    assert main(["dedupe", str(articles), "-o", str(tmp_path / "out")]) == code
    assert [path.name for path in tmp_path.iterdir()] == [articles.name]


def test_an_interrupted_run_says_so_in_one_line(
    exact_batch: ExactBatch, articles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exact_batch.failure = KeyboardInterrupt()
    assert main(["dedupe", str(articles), "-o", "-"]) == 130
    assert capsys.readouterr().err.strip() == "wirecopy: interrupted"


def test_profile_prints_the_seconds_of_each_stage(
    exact_batch: ExactBatch, articles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dedupe", str(articles), "-o", "-", "--profile"]) == 0
    words = [line.split() for line in capsys.readouterr().err.splitlines()]
    assert words[:2] == [["read", "0.100", "s", "20.0%"], ["match", "0.400", "s", "80.0%"]]
    assert words[2][0] == "writing"
    assert words[3] == ["all", "0.500", "s"]
    assert words[5] == ["sketch", "0.200", "s", "40.0%"]


def test_demo_prints_each_story_with_its_articles(exact_batch: ExactBatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0
    assert exact_batch.asked["strict"]
    (sample,) = exact_batch.asked["inputs"]
    printed = capsys.readouterr().out
    for article in reading.read_article(sample, Config().limits).text.splitlines():
        assert str(json.loads(article)["title"]).replace("&#8217;", "’")[:20] in printed
    assert "Stories of one article: " in printed
    assert printed.splitlines()[-1].endswith("articles/s")


def test_every_error_has_an_exit_code() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) > 8
    for kind in kinds:
        if kind is not errors.WirecopyError:
            assert any(parent in EXIT_CODES for parent in kind.__mro__), f"{kind.__name__} has no exit code"
    assert exit_code(errors.ReaderLeft("-")) == 3


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["dedupe", "--help"], ["compare", "-h"], ["demo", "--help"]])
def test_help_states_the_exit_codes(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert "3  an input or output failed" in capsys.readouterr().out


def test_version_and_no_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"wirecopy, version {VERSION}\n"
    assert main([]) == 2
    assert "Usage: wirecopy" in capsys.readouterr().err


def run_python(code: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", textwrap.dedent(code), *arguments]
    return subprocess.run(command, capture_output=True, timeout=60, check=False, **options)


def test_the_command_line_starts_without_anything_heavy() -> None:
    code = """
        import sys, wirecopy.cli
        print(*{"numpy", "numba", "aiohttp", "httpx", "rich", "pyarrow", "yaml", "orjson"} & set(sys.modules))
    """
    assert run_python(code).stdout.strip() == b""


def test_dedupe_loads_no_linear_algebra_and_hides_none_afterwards(tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_bytes(b'{"id": "1", "text": "One text of some few words."}\n')
    code = """
        import sys
        from wirecopy.cli import commands as cli
        assert cli.main(["dedupe", *sys.argv[1:]]) == 0
        print("numba" in sys.modules, "scipy" in sys.modules)
        import scipy.linalg
    """
    done = run_python(code, str(file), "--output", str(tmp_path / "out.jsonl"))
    assert (done.returncode, done.stdout.split()) == (0, [b"True", b"False"])


WITH_EXACT_BATCH = """
    import os, signal, sys
    from types import SimpleNamespace
    import wirecopy
    from wirecopy.cli import commands as cli
    sys.path.insert(0, sys.argv.pop(1))
    from tests.cli.test_cli import ExactBatch
    import wirecopy.batch

    batch = wirecopy.batch.run = sys.modules["wirecopy.batch.run"] = ExactBatch()
"""


def test_a_reader_who_leaves_ends_the_run_quietly(tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_bytes(b"".join(b'{"id": "%d", "text": "%d"}\n' % (number, number) for number in range(20_000)))
    code = textwrap.dedent(WITH_EXACT_BATCH) + "sys.exit(cli.main(sys.argv[1:]))"
    root = str(Path(__file__).parent.parent.parent)
    command = [sys.executable, "-c", code, root, "dedupe", str(file), "--output", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 3


def test_a_terminated_run_leaves_no_temporary_file(articles: Path, tmp_path: Path) -> None:
    code = WITH_EXACT_BATCH + (
        "    batch.dedupe = lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM)\n    sys.exit(cli.main(sys.argv[1:]))"
    )
    run = run_python(
        code, str(Path(__file__).parent.parent.parent), "dedupe", str(articles), "-o", str(tmp_path / "out")
    )
    assert run.returncode == 143
    assert [path.name for path in tmp_path.iterdir()] == [articles.name]


def test_a_full_disk_is_one_sentence_and_leaves_what_was_there(articles: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"before")
    code = WITH_EXACT_BATCH + (
        "    import resource\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "    sys.exit(cli.main(sys.argv[1:]))"
    )
    run = run_python(
        code, str(Path(__file__).parent.parent.parent), "dedupe", str(articles), "-o", str(tmp_path / "out")
    )
    assert run.returncode == 3
    assert run.stderr.decode() == f"wirecopy: cannot write {tmp_path / 'out'}: file too large\n"
    assert (tmp_path / "out").read_bytes() == b"before"
    assert len(list(tmp_path.iterdir())) == 2


def fake_comparison(a: Article, b: Article) -> Comparison:
    """What `comparison.compare` returns, with one passage from the sixth character on."""
    passage = Passage(a.text[5:], 5, len(a.text), 0, len(b.text), 1, 0, 3)
    features = {"containment of a in b": 0.98765432, "shared words": 12.0}
    marked = Paragraphs(
        (Paragraph(a.text, 0, len(a.text), "shared", 0.75, 0),),
        (Paragraph(b.text, 0, len(b.text), "only here", 0, None),),
    )
    changes = (
        Change(Fragment(a.text[:4], 0, 4, 0, 1), Fragment(b.text[:3], 0, 3, 0, 1)),
        Change(None, Fragment("9", 1, 2, 5, 1)),
    )
    told = (
        Contribution("shared words", 12.0, 1.5, "how many words both have"),
        Contribution("containment of a in b", 0.98765432, -0.25, "how much of a stands in b"),
    )
    return Comparison("a", "b", 0.91234, "copy", features, False, (passage,), marked, changes, (), told)


@pytest.fixture
def fake_detector(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    detector = SimpleNamespace(compare=fake_comparison)
    monkeypatch.setitem(sys.modules, "wirecopy.detector.answers.explain", detector)
    monkeypatch.setattr("wirecopy.detector.answers.explain", detector, raising=False)
    return detector


def compare_texts(tmp_path: Path, a: str, b: str, *options: str) -> int:
    (tmp_path / "a.txt").write_text(a, encoding="utf-8")
    (tmp_path / "b.json").write_text(json.dumps({"id": "b", "title": "The B", "text": b}), encoding="utf-8")
    return main(["compare", str(tmp_path / "a.txt"), str(tmp_path / "b.json"), *options])


def test_compare_prints_the_features_by_name_on_demand(
    fake_detector: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare_texts(tmp_path, "Then the river rose.", "the river rose!", "--features") == 0
    printed = capsys.readouterr().out
    assert "0.9877" in printed
    assert "shared words" in printed


def test_compare_prints_score_relation_reasons_and_passages(
    fake_detector: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare_texts(tmp_path, "Then the river rose.", "the river rose!") == 0
    printed = capsys.readouterr().out
    for part in ("copy, score 0.912", "The B", "5-20", "the river rose.", "the river rose!"):
        assert part in printed
    assert printed.index("+1.50") < printed.index("how many words both have") < printed.index("-0.25")
    assert "how much of a stands in b" in printed
    assert "0.9877" not in printed
    for part in (
        "a.txt: 1 shared",
        "The B: 1 only here",
        "only here  the river rose!",
        "Then -> the",
        "9  (only in B)",
    ):
        assert part in printed


def test_compare_prints_json_on_demand(
    fake_detector: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare_texts(tmp_path, "Then the river rose.", "the river rose!", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["score"], printed["relation"]) == (0.91234, "copy")
    assert printed["features"] == {"containment of a in b": 0.98765432, "shared words": 12.0}
    places = {"a_start": 5, "a_end": 20, "b_start": 0, "b_end": 15, "a_word": 1, "b_word": 0, "words": 3}
    assert printed["passages"] == [{"text": "the river rose.", **places}]
    assert [paragraph["mark"] for paragraph in printed["paragraphs"]["b"]] == ["only here"]


def test_compare_says_when_nothing_matches(
    fake_detector: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_detector.compare = lambda a, b: Comparison("a", "b", 0.01, None, {}, True, (), None, (), ())
    assert compare_texts(tmp_path, "One.", "Two.") == 0
    printed = capsys.readouterr().out
    assert "no match, score 0.010" in printed
    assert "no shared passages" in printed
    assert "detection.max_words" in printed


def test_compare_isolates_right_to_left_lines_and_counts_wide_letters_double(
    fake_detector: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare_texts(tmp_path, "مرحبا " + "بالعالم " * 20, "天" * 80) == 0
    lines = capsys.readouterr().out.splitlines()
    for line in lines:
        assert line.count("\u2068") == line.count("\u2069")
    assert max(line.count("天") for line in lines) <= 55


def test_control_characters_of_articles_never_reach_the_terminal(
    fake_detector: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare_texts(tmp_path, "evil \x1b[2J\x07\u202e\u0085 text", "\x1b]0;title\x07") == 0
    printed = capsys.readouterr().out
    assert not set("\x1b\x07\u202e\u0085") & set(printed)


@pytest.mark.parametrize(("name", "reason"), [("absent", "no such file"), (".", "it is a folder")])
def test_compare_refuses_what_it_cannot_read(
    name: str, reason: str, fake_detector: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(tmp_path / name), str(tmp_path / name)]) == 3
    assert reason in capsys.readouterr().err
