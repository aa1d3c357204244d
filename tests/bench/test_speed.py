"""The benchmarks of speed run, compare like with like, and what the documents show is what they measured."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from bench import batch, index, kernels, memory, plots, processes, speed_tables, straightforward
from bench.results import RESULTS, read_result
from wirecopy import minhash

TEXT = (
    "The harbour bridge in Port Ellery was closed to all traffic on Monday after inspectors found cracks in two of its "
    "steel girders, the transport ministry said, and ferries will carry commuters across the estuary until June."
)


def write_articles(path: Path, count: int = 30) -> Path:
    rows = [
        {"id": f"a{k}", "text": f"{TEXT} Story number {k // 2} of office {k // 2 * 17}." * (1 + k // 2)}
        for k in range(count)
    ]
    path.write_bytes(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))
    return path


def test_peers_are_given_the_shingles_that_our_signatures_are_made_of() -> None:
    for text in (TEXT, "two words", "Ärger, Straße und Fähre"):
        theirs: Any = kernels.by_datasketch([text])
        assert theirs[0].hashvalues.tolist() == minhash([text])[0].hashvalues.tolist()


def test_a_program_is_measured_with_its_memory_and_fails_with_its_words() -> None:
    import sys

    cost = processes.run_measured([sys.executable, "-c", "bytearray(80 << 20)"])
    assert cost.peak_mb > 80
    assert cost.seconds > 0
    with pytest.raises(processes.ProgramFailed, match="this went wrong"):
        processes.run_measured([sys.executable, "-c", "raise SystemExit('this went wrong')"], accepted=(0,))


def test_the_straightforward_script_joins_what_is_alike(tmp_path: Path) -> None:
    pytest.importorskip("datasketch")
    files = (write_articles(tmp_path / "a.jsonl"),)
    story, *others = [straightforward.group(files, 0.5, way) for way in straightforward.SIGNINGS]
    assert others == [story, story]
    assert len(story) == 30
    assert all(story[f"a{k}"] == story[f"a{k + 1}"] for k in range(0, 30, 2))


def test_a_sample_is_the_same_each_time_and_in_order(tmp_path: Path) -> None:
    source = write_articles(tmp_path / "a.jsonl")
    for name in ("one", "two"):
        assert batch.sample([source], 10, tmp_path / name) == 30
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    numbers = [int(row["id"][1:]) for row in map(orjson.loads, (tmp_path / "one").read_bytes().splitlines())]
    assert numbers == sorted(numbers)
    assert len(numbers) == 10


def test_the_index_is_measured_at_each_size() -> None:
    rows = index.measure(None, (300, 600))
    assert [row["articles"] for row in rows] == [300, 600]
    assert all(row["both_us"] > 0 and row["query_us"] > 0 and row["growing_us"] > 0 for row in rows)


def test_keys_of_a_generation_are_odd_and_its_own() -> None:
    keys, _ = index.real_keys(None, 50)
    stream = index.generations(keys)
    (first, published), (second, later) = next(stream), next(stream)
    assert later - published > index.WINDOW
    assert ((first == 0) == (second == 0)).all()
    assert (second[second != 0] & 1 == 1).all()
    assert (first != second).any()


def test_memory_per_article_is_the_slope() -> None:
    rows = [{"articles": 1000, "peak_mb": 300.0}, {"articles": 3000, "peak_mb": 310.0}]
    assert memory.slope_kb(rows) == pytest.approx(5.12)


@pytest.mark.parametrize("name", speed_tables.SOURCES)
def test_every_table_of_speed_renders(name: str) -> None:
    file, render = speed_tables.SOURCES[name]
    if not (RESULTS / file).exists():
        pytest.skip("not measured here")
    assert render(read_result(RESULTS / file)).startswith("| ")


@pytest.mark.parametrize("name", plots.PLOTS)
def test_plots_show_the_figures_of_the_result_files(name: str) -> None:
    path = plots.FOLDER / f"{name}.svg"
    if not path.exists():
        pytest.skip("not drawn here")
    found = re.search(r"figures [0-9a-f]{16}", path.read_text(encoding="utf-8"))
    assert found is not None
    assert found[0] == plots.digest(name), f"{path.name} shows other figures: python -m bench.plots"
