"""`dedupe --state`, `--against`, `--resume`: runs in parts, and runs that are interrupted anywhere."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.streams import articles, stream
from wirecopy import errors, storage
from wirecopy.batch import resume
from wirecopy.batch import run as batch
from wirecopy.batch.resume import open_journal
from wirecopy.cli.commands import main
from wirecopy.config import Config, Service
from wirecopy.detector import state
from wirecopy.detector.detector import SCHEME, Detector
from wirecopy.files import reading
from wirecopy.schema.article import Article
from wirecopy.schema.dates import format_published
from wirecopy.storage import Snapshot, Store

law: Callable[[Any], Any] = settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
Rows = list[dict[str, Any]]
BATCH = 16  # articles that are decided, and stored, at once


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (batch, state):
        monkeypatch.setattr(module, "BATCH", BATCH)
    in_chunks = partial(reading.read, chunk_size=BATCH)
    monkeypatch.setattr(batch, "read", in_chunks)


def fields(article: Article) -> dict[str, Any]:
    moments = {"published": article.published, "embargoed": article.embargoed}
    written = {name: None if moment is None else format_published(moment) for name, moment in moments.items()}
    return {**msgspec.to_builtins(article), **written}


def write(file: Path, taken: Sequence[Article]) -> str:
    file.write_bytes(b"".join(msgspec.json.encode(fields(article)) + b"\n" for article in taken))
    return str(file)


class Runs:
    """Runs of the command in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "out.jsonl"
        self.told = ""

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def command(self, taken: Sequence[Article], *options: str) -> list[str]:
        settings = self.folder / "settings.yaml"
        settings.write_text("limits: {earliest_published: '1970-01-01'}", encoding="utf-8")  # where the stream begins
        files = [write(self.folder / "in.jsonl", taken), "--output", str(self.output)]
        return ["dedupe", *files, *([] if "--config" in options else ["--config", str(settings)]), *options]

    def __call__(self, taken: Sequence[Article], *options: str, code: int = 0) -> bytes:
        """-> the output, empty when there is none."""
        self.output.unlink(missing_ok=True)
        assert main(self.command(taken, *options)) == code
        return self.output.read_bytes() if self.output.exists() else b""


@pytest.fixture
def run(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def rows_of(output: bytes) -> Rows:
    return [json.loads(line) for line in output.splitlines()]


def files_of(folder: str) -> dict[str, bytes]:
    """The files that hold anything: a reader of SQLite's leaves an empty write-ahead log."""
    found = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    assert not found.pop("wirecopy.db-wal", b"")
    found.pop("wirecopy.db-shm", None)
    return found


def story_of(rows: Rows) -> dict[str, str]:
    return {row["id"]: row["story"] for row in rows}


# --- parts ------------------------------------------------------------------------------------------------------------


def last_story(parts: Sequence[Rows]) -> dict[str, str]:
    return {key: story for rows in parts for key, story in story_of(rows).items()}


@law
@given(
    st.lists(articles(ids=1000), min_size=2, max_size=40, unique_by=lambda article: article.id),
    st.lists(st.integers(0, 40), max_size=3),
)
def test_parts_leave_what_one_run_would_have_left(taken: list[Article], cuts: list[int]) -> None:
    """Without look-ahead: the last part says of its articles what the whole run says, and so does the state."""
    with tempfile.TemporaryDirectory() as folder:
        run = Runs(Path(folder))
        whole = run(taken, "--no-look-ahead", "--state", run.path("whole")).splitlines()
        bounds = [*sorted({0, *(cut for cut in cuts if cut < len(taken))}), len(taken)]
        known = run.path("known")
        for first, last in pairwise(bounds):
            part = run(taken[first:last], "--no-look-ahead", "--state", known, "--against", known).splitlines()
            assert len(part) == last - first
        assert part == whole[bounds[-2] :]
        assert decisions_of(known) == decisions_of(run.path("whole"))


def decisions_of(folder: str) -> list[Any]:
    """What is stored, without moments and records of runs."""
    with Store.open(Path(folder), scheme=SCHEME) as store:
        detector = Detector(store=store)
        stories, _ = detector.stories(limit=1000)
        plain = [msgspec.to_builtins(story) for story in stories]
    for story in plain:
        del story["first_seen"]
        for member in story["members"]:
            del member["first_seen"]
    return plain


@pytest.mark.parametrize("options", [["--no-look-ahead"], []])
def test_against_groups_with_what_is_known_and_tells_only_of_what_is_new(run: Runs, options: list[str]) -> None:
    taken = stream(120)
    first = rows_of(run(taken[:80], "--state", run.path("known"), *options))
    before = files_of(run.path("known"))
    second = rows_of(run(taken[80:], "--against", run.path("known"), *options))
    assert files_of(run.path("known")) == before
    assert [row["id"] for row in second] == [article.id for article in taken[80:]]
    known = set(story_of(first).values())
    joined = [row for row in second if row["story"] in known]
    assert len(joined) > 5
    assert all(row["match"] is not None for row in joined)
    assert any(row["match"] in story_of(first) for row in joined)
    whole = story_of(rows_of(run(taken, *options)))
    together = last_story([first, second])
    same = sum((whole[a] == whole[b]) == (together[a] == together[b]) for a in whole for b in whole)
    assert same > 0.99 * len(whole) ** 2


def test_looking_ahead_goes_on_from_the_weights_of_what_is_known(run: Runs) -> None:
    taken = stream(120)
    run(taken, "--state", run.path("whole"))
    run(taken[:80], "--state", run.path("known"))
    run(taken[80:], "--state", run.path("known"), "--against", run.path("known"))
    rarities = []
    for name in ("whole", "known"):
        with Snapshot.open(Path(run.path(name))) as snapshot:
            terms = resume.Journal(Config(), look_ahead=True, stored=snapshot).state.window.terms
            rarities.append((terms.counted, terms.counts.tobytes(), terms.rarity.tobytes()))
    assert rarities[0] == rarities[1]


def test_a_service_beside_which_a_run_reads_is_not_disturbed(run: Runs) -> None:
    taken, data = stream(60), Path(run.path("data"))
    with Store.open(data, scheme=SCHEME) as store:
        service = Detector(store=store)
        service.ingest(taken[:30], 5)
        rows = rows_of(run(taken[20:40], "--no-look-ahead", "--against", str(data)))
        verdicts = service.ingest(taken[30:40], 6)
        assert [row["id"] for row in rows] == [article.id for article in taken[30:40]]
        assert story_of(rows) == {v.id: service.article(v.id).story for v in verdicts}
    assert storage.verify(data).problems == ()


def test_what_left_the_index_of_a_service_is_still_known_to_a_run(run: Runs) -> None:
    day, taken = 86_400_000, stream(40)
    with Store.open(Path(run.path("data")), scheme=SCHEME) as store:
        service = Detector(Config(service=Service(index_days=1.0)), store)
        service.ingest(taken[:20], 100 * day)
        service.ingest(taken[20:], 200 * day)
    again = [msgspec.structs.replace(article, id="again-" + article.id) for article in taken[:20]]
    rows = rows_of(run(again, "--no-look-ahead", "--against", run.path("data")))
    long = [row for row, article in zip(rows, again, strict=True) if len(article.text.split()) > 8]
    assert len(long) > 12
    assert all(row["match"] is not None for row in long)


def test_the_unique_lines_are_those_of_new_stories(run: Runs) -> None:
    taken = stream(60)
    run(taken[:40], "--state", run.path("known"))
    unique = run.path("unique.jsonl")
    rows = rows_of(run(taken[40:], "--against", run.path("known"), "--unique", unique))
    kept = [json.loads(line)["id"] for line in Path(unique).read_bytes().splitlines()]
    assert kept == [row["id"] for row in rows if row["canonical"]]
    assert 0 < len(kept) < len({row["story"] for row in rows}), "known articles stand for some of the stories"


def test_ids_that_are_known_are_left_out_when_equal_and_refused_when_not(
    run: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = stream(20)
    run(taken[:10], "--state", run.path("known"))
    changed = msgspec.structs.replace(taken[3], title="Another title")
    capsys.readouterr()
    options = ["--state", run.path("known"), "--against", run.path("known")]
    rows = rows_of(run([*taken[:3], changed, *taken[4:12], taken[10]], *options, code=1))
    assert [row["id"] for row in rows] == ["n10", "n11"]
    told = capsys.readouterr().err.splitlines()
    assert told[0].endswith("in.jsonl:4: id 'n3' is known with another content")
    assert told[1].endswith("in.jsonl:13: id 'n10' was already seen")
    assert "2 refused, 9 known before" in told[2]


def test_a_state_of_its_own_may_begin_with_what_another_knows(run: Runs) -> None:
    taken = stream(90)
    run(taken[:50], "--state", run.path("a"))
    before = files_of(run.path("a"))
    straight = run(taken[50:70], "--against", run.path("a"))
    assert run(taken[50:70], "--against", run.path("a"), "--state", run.path("b")) == straight
    assert files_of(run.path("a")) == before
    run(taken[50:70], "--against", run.path("a"), "--state", run.path("a2"))
    more = run(taken[70:], "--against", run.path("b"))
    assert run(taken[70:], "--state", run.path("a2"), "--against", run.path("a2")) == more
    assert storage.verify(Path(run.path("b"))).problems == ()


def test_what_does_not_fit_together_is_refused(run: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    taken, known = stream(10), run.path("known")
    data = run.path("data")
    with Store.open(Path(data), scheme=SCHEME) as store:
        Detector(store=store).ingest(taken, 5)
    run(taken, "--state", known)
    capsys.readouterr()
    said = {
        ("--resume",): "--resume needs --state",
        ("--state", known): f"{known} holds articles already: go on with --against {known}",
        ("--state", known, "--against", data): f"{known} holds articles already",
        ("--state", data): f"{data} holds the articles of a service: name a new folder, and --against {data}",
        ("--state", data, "--against", data): f"{data} holds the articles of a service",
    }
    for options, sentence in said.items():
        run(taken, *options, code=2)
        assert sentence in capsys.readouterr().err
    assert storage.verify(Path(known)).problems == ()
    for options in (("--against", run.path("nothing")), ("--against", run.path("nothing"), "--state", run.path("new"))):
        run(taken, *options, code=3)
        assert "holds no stored articles" in capsys.readouterr().err
    with Store.open(Path(data), scheme=SCHEME):
        run(taken, "--state", data, "--against", data, code=3)
        assert "is in use by another wirecopy" in capsys.readouterr().err


def test_another_model_is_refused(run: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Store.open(tmp_path / "other", scheme="of another time").close()
    for options in (["--against", run.path("other")], ["--state", run.path("other"), "--against", run.path("other")]):
        run(stream(3), *options, code=3)
        assert "was made with scheme of another time" in capsys.readouterr().err


def test_an_empty_input_leaves_a_state(run: Runs) -> None:
    assert run([], "--state", run.path("known")) == b""
    assert len(rows_of(run(stream(5), "--state", run.path("known"), "--against", run.path("known")))) == 5


# --- interruptions ----------------------------------------------------------------------------------------------------


class Interrupted(BaseException):
    """Stands for whatever ends a process."""


def interrupt(monkeypatch: pytest.MonkeyPatch, after: int, where: str) -> None:
    """The run ends before, or right after, the append number `after` (from 0)."""
    append, made = Store.append, 0

    def failing(self: Store, *arguments: Any, **named: Any) -> int:
        nonlocal made
        made += 1
        if made == after + 1 and where == "before":
            raise Interrupted
        last = append(self, *arguments, **named)
        if made == after + 1:
            raise Interrupted
        return last

    monkeypatch.setattr(Store, "append", failing)


@pytest.mark.parametrize("options", [["--no-look-ahead"], []], ids=["as a service", "look-ahead"])
@pytest.mark.parametrize("base", [None, "a", "s"], ids=["new", "from another", "going on"])
@pytest.mark.parametrize("where", ["before", "after"])
def test_a_run_interrupted_at_any_append_goes_on(
    run: Runs, monkeypatch: pytest.MonkeyPatch, options: list[str], base: str | None, where: str
) -> None:
    earlier, taken = stream(110)[:30], [*stream(110)[25:], stream(110)[40]]
    folder, unique = run.path("s"), Path(run.path("unique.jsonl"))
    if base is not None:
        run(earlier, "--state", run.path(base), *options)
        shutil.copytree(run.path(base), run.path("saved"))
    options = [*options, "--unique", str(unique), "--state", folder, *(["--against", run.path(base)] if base else [])]
    code = 1
    whole, whole_unique = run(taken, *options, code=code), unique.read_bytes()
    state_of_whole = decisions_of(folder)
    for after in range(20):
        shutil.rmtree(folder)
        if base is not None:
            shutil.rmtree(run.path(base), ignore_errors=True)
            shutil.copytree(run.path("saved"), run.path(base))
        run.output.unlink(missing_ok=True)
        with monkeypatch.context() as patched:
            interrupt(patched, after, where)
            try:
                assert main(run.command(taken, *options)) == code
                break
            except Interrupted:
                pass
        if run.output.exists():
            assert run.output.read_bytes() == whole
        assert run(taken, *options, "--resume", code=code) == whole
        assert unique.read_bytes() == whole_unique
        assert decisions_of(folder) == state_of_whole
    assert after > 6


def test_a_run_that_has_ended_may_be_resumed_without_harm(run: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    taken, known = stream(60), run.path("known")
    whole = run(taken[:40], "--state", known)
    assert run(taken[:40], "--state", known, "--resume") == whole
    assert run(taken[:40], "--state", known, "--against", known, "--resume") == whole
    more = run(taken[30:], "--state", run.path("other"), "--against", known)
    capsys.readouterr()
    run(taken, "--state", known, "--against", known, "--resume", code=2)
    assert "other articles come" in capsys.readouterr().err
    run(taken[30:], "--state", known, "--resume", code=2)
    assert "its article 1 has the id 'n30' and not 'n0'" in capsys.readouterr().err
    run(taken, "--state", known, "--resume", "--keep", "longest", code=2)
    assert "had other settings" in capsys.readouterr().err
    assert run(taken[30:], "--state", known, "--against", known, "--resume") == more
    assert run([], "--state", known, "--against", known, "--resume") == b""
    assert run(taken, "--state", known, "--against", known) == b""


def test_an_interrupted_run_is_not_taken_for_a_state(
    run: Runs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    taken, known = stream(60), run.path("known")
    with monkeypatch.context() as patched:
        interrupt(patched, 3, "after")
        with pytest.raises(Interrupted):
            run(taken, "--state", known)
    for options in (
        ["--state", known],
        ["--state", known, "--against", known],
        ["--against", known],
        ["--against", known, "--state", run.path("new")],
    ):
        run(taken, *options, code=2)
        assert f"the run in {known} is not finished" in capsys.readouterr().err
    assert not storage.holds_articles(Path(run.path("new")))


@pytest.mark.parametrize("options", [["--no-look-ahead"], []], ids=["as a service", "look-ahead"])
def test_an_interrupted_run_goes_on_only_with_its_own_input_and_settings(
    run: Runs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    taken, known = stream(60), run.path("known")
    with monkeypatch.context() as patched:
        interrupt(patched, 3, "after")
        with pytest.raises(Interrupted):
            run(taken, "--state", known, *options)
    capsys.readouterr()
    changed = [msgspec.structs.replace(taken[0], title="Another"), *taken[1:]]
    for other, sentence in (
        (changed, "its article 1 has another content"),
        (taken[1:], "its article 1 has the id 'n1' and not 'n0'"),
        ([taken[1], taken[0], *taken[2:]], "its article 1 has the id 'n1' and not 'n0'"),
        (taken[:5], "it ends after 5 articles, and "),
    ):
        run(other, "--state", known, "--resume", *options, code=2)
        assert f"the input is not that of the interrupted run: {sentence}" in capsys.readouterr().err
    if not options:
        run([*taken, *stream(61)[60:]], "--state", known, "--resume", code=2)
        assert "other articles come after those that were decided" in capsys.readouterr().err
    run(taken, "--state", known, "--resume", "--window-days", "3", *options, code=2)
    assert "had other settings" in capsys.readouterr().err
    assert len(rows_of(run(taken, "--state", known, "--resume", *options))) == 60


def test_an_input_that_fails_is_gone_on_with_when_it_is_whole(run: Runs) -> None:
    taken, known = stream(60), run.path("known")
    whole = run(taken, "--no-look-ahead")
    more = run.path("missing.jsonl.gz")
    Path(more).write_bytes(b"\x1f\x8b\x08")
    file = write(run.folder / "first.jsonl", taken[:40])
    settings = run.path("settings.yaml")
    arguments = ["dedupe", file, more, "-o", str(run.output), "--no-look-ahead", "--state", known, "--config", settings]
    run.output.unlink()
    assert main(arguments) == 3
    assert not run.output.exists()
    assert run(taken, "--no-look-ahead", "--state", known, "--resume") == whole


def kill_points(child: list[str], appends: Iterator[int]) -> Iterator[tuple[int, int]]:
    """Runs the command in processes that kill themselves at an append; -> the append and the process's end."""
    script = """
import os, signal, sys
from wirecopy.storage import Store
from wirecopy.cli import commands as cli
from wirecopy.batch import run as batch
from wirecopy.detector import state
batch.BATCH = state.BATCH = 16
append, left = Store.append, [int(sys.argv[1])]
def dying(self, *arguments, **named):
    last = append(self, *arguments, **named)
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return last
Store.append = dying
sys.exit(cli.main(sys.argv[2:]))
"""
    for after in appends:
        yield after, subprocess.run([sys.executable, "-c", script, str(after), *child], check=False).returncode


def test_a_run_that_is_killed_goes_on(run: Runs) -> None:
    taken, known = stream(100), run.path("known")
    whole = run(taken, "--state", run.path("whole"))
    run.output.unlink()
    command = run.command(taken, "--state", known)
    for _, code in kill_points(command, iter([4])):
        assert code == -signal.SIGKILL
    for _, code in kill_points([*command, "--resume"], iter([1])):
        assert code == -signal.SIGKILL
    assert not run.output.exists()
    assert run(taken, "--state", known, "--resume") == whole
    assert decisions_of(known) == decisions_of(run.path("whole"))


def test_an_api_run_without_a_journal_needs_no_folder(run: Runs) -> None:
    with (
        pytest.raises(errors.UsageError),
        open_journal(Config(), look_ahead=True, folder=None, against=None, resume=True),
    ):
        pass
    with open_journal(Config(), look_ahead=True, folder=None, against=None, resume=False) as plain:
        assert (plain.first, plain.writes, plain.knows_contents) == (0, False, False)
