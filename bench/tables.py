"""Tables made of result files: on the terminal, and between markers in the documents.

A document holds `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`; what stands between them is made here and nowhere
else. `python -m bench.tables` rewrites the documents, and a test holds them equal to the result files.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bench import speed_tables
from bench.markdown import table
from bench.results import RESULTS, read_result

Result = dict[str, Any]
Row = dict[str, Any]
ROOT = Path(__file__).parent.parent
PEERS = {"datasketch": "datasketch", "tfidf": "TF-IDF cosine"}
DERIVED_KINDS, OTHER_KINDS = ("light", "mixed", "rewrite", "brief"), ("followup", "template", "roundup")


def quality(result: Result) -> str:
    """Return every set against the peers, each at its best threshold for the set and at its best single one."""
    header = ["set", "measure", "wirecopy"]
    for peer in chosen_peers(result):
        single = result["chosen"][peer]["single"]
        header += [f"{PEERS[peer]}, best (at)", f"{PEERS[peer]} at {single:g}"]
    lines = []
    for row in rows_of(result, "wirecopy", part=False):
        rivals = [rival for peer in chosen_peers(result) for rival in rivals_of(result, peer, row)]
        for name, show in MEASURES:
            if (ours := show(row["scores"])) is not None:
                theirs = [_rival_cell(rival, show, number % 2 == 0) for number, rival in enumerate(rivals)]
                lines.append([set_name(row), name, ours, *theirs])
    return table(header, lines)


def quality_details(result: Result) -> str:
    """Return wirecopy's own figures for each set: what was found of each label, and at what precision."""
    header = ["set", "pairs", "precision", "recall", "F1", "strict precision", "strict F1"]
    header += ["copies", "derived", "same event", "different", "largest story"]
    return table(header, [_detail(row) for row in rows_of(result, "wirecopy", part=False) if row["scores"]["pairs"]])


def quality_kinds(result: Result) -> str:
    """Return how many pairs of each kind were grouped, beside each peer at its best threshold for the set."""
    peers = chosen_peers(result)
    lines = []
    for row in rows_of(result, "wirecopy", part=False):
        if not row["scores"]["pairs"]:
            continue
        rivals = [kinds_of(next(iter(rivals_of(result, peer, row)))) for peer in peers]
        for key, cell in kinds_of(row).items():
            lines.append([set_name(row), key[1], key[0], cell, *(rival.get(key, "") for rival in rivals)])
    return table(["set", "kind", "belong", "wirecopy", *(f"{PEERS[peer]}, best" for peer in peers)], lines)


def quality_languages(result: Result) -> str:
    """Return F1 for each language of our own articles; beside the peers, and by kind, where it is alone and dated."""
    figures: dict[str, dict[tuple[str, bool], Row]] = {}
    for row in rows_of(result, "wirecopy", part=True):
        group, _, language = row["set"].partition("/")
        figures.setdefault(language, {})[group, row["dated"]] = row
    peers = chosen_peers(result)
    header = [
        "language",
        "alone",
        *(f"{PEERS[peer]}, best" for peer in peers),
        "undated",
        "all mixed",
        "all mixed, undated",
    ]
    header += [*DERIVED_KINDS, *(f"{kind} (apart)" for kind in OTHER_KINDS)]
    return table(header, [_language_line(result, language, found) for language, found in sorted(figures.items())])


def quality_relations(result: Result) -> str:
    """Return how many grouped pairs of labels 3 and 2 are called what a reader called them."""
    header = ["set", "label", "grouped", "relation known", "right", "share", "called"]
    lines = []
    for line in filter(lambda line: line["grouped"], result["relations"]):
        share = f"{line['right'] / line['known']:.2f}" if line["known"] else ""
        called = ", ".join(f"{name} {number}" for name, number in line["relations"].items())
        figures = [str(line[name]) for name in ("label", "grouped", "known", "right")]
        lines.append([line["set"], *figures, share, called])
    return table(header, lines)


def quality_candidates(result: Result) -> str:
    """Return which share of the pairs that belong together is compared, and how many candidates an article has."""
    header = ["set", "articles", "pairs found", "unweighted", "candidates per article", "95 % have at most", "most"]
    lines = []
    for line in result["candidates"]:
        shares = [f"{line[name]:.3f}" if line["recall"] else "" for name in ("recall", "unweighted_recall")]
        counts = [f"{line['mean']:.1f}", f"{line['p95']:.0f}", f"{line['largest']:,}"]
        lines.append([line["set"], f"{line['articles']:,}", *shares, *counts])
    return table(header, lines)


def quality_shuffles(result: Result) -> str:
    """Return how many decisions on labelled pairs other orders of arrival change."""
    header = ["set", "pairs", "orders", "pairs that change, mean", "most", "weighted, mean", "most"]
    lines = []
    for line in result.get("shuffles", ()):
        figures = [f"{100 * take(line[name]):.1f} %" for name in ("changed", "weighted") for take in (_mean, max)]
        lines.append([line["set"], f"{line['pairs']:,}", str(len(line["changed"])), *figures])
    return table(header, lines)


def rows_of(result: Result, system: str, part: bool) -> Iterator[Row]:
    """Yield the rows of a system, of whole sets or of parts of them, in the order of the file."""
    return (row for row in result["rows"] if row["system"] == system and row["part"] == part)


def chosen_peers(result: Result) -> list[str]:
    """Return the peers that were measured in this result."""
    return [peer for peer in PEERS if peer in result["chosen"]]


def rivals_of(result: Result, peer: str, row: Row) -> Iterator[Row]:
    """Yield a peer's row for the same variant at its best threshold there, then at its single best threshold."""
    chosen = result["chosen"][peer]
    whole = set_name(row).replace(row["set"], row["set"].partition("/")[0])
    for threshold in (chosen["best"].get(whole, chosen["single"]), chosen["single"]):
        yield next(
            rival
            for rival in rows_of(result, peer, row["part"])
            if (rival["set"], rival["dated"], rival["threshold"]) == (row["set"], row["dated"], threshold)
        )


def set_name(row: Row) -> str:
    """Return the name of a row's variant."""
    name: str = row["set"]
    return name if row["dated"] else f"{name}, undated"


def kinds_of(row: Row) -> dict[tuple[str, str], str]:
    """Return "grouped/total" for each sort of pair, named by how they belong and by their kind."""
    kinds = row["scores"]["pairs"].get("by_kind", ())
    return {(kind["belong"], kind["kind"]): f"{kind['grouped']}/{kind['total']}" for kind in kinds}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _pair_figure(name: str) -> Callable[[Row], str | None]:
    return lambda scores: f"{scores['pairs'][name]:.3f}" if scores["pairs"] else None


def _strict(scores: Row) -> str | None:
    pairs = scores["pairs"]
    return f"{pairs['strict_f1']:.3f}" if pairs and "1" in pairs["by_label"] else None


def _event_figure(name: str) -> Callable[[Row], str | None]:
    return lambda scores: f"{scores['events'][name]:.3f}" if scores["events"] else None


def _false_merges(scores: Row) -> str | None:
    return f"{100 * scores['templates']['rate']:.2f} %" if scores["templates"] else None


def _exact(scores: Row) -> str | None:
    return None if scores["exact"] is None else ("exact" if scores["exact"] else "no")


MEASURES: tuple[tuple[str, Callable[[Row], str | None]], ...] = (
    ("F1", _pair_figure("f1")),
    ("strict F1", _strict),
    ("templates, false merges", _false_merges),
    ("its four articles one story", _exact),
    ("B-cubed precision", _event_figure("precision")),
    ("B-cubed F1", _event_figure("f1")),
    ("largest story", lambda scores: f"{scores['largest']:,}"),
)


def _rival_cell(row: Row, show: Callable[[Row], str | None], with_threshold: bool) -> str:
    figure = show(row["scores"]) or ""
    return f"{figure} ({row['threshold']:g})" if with_threshold else figure


def _detail(row: Row) -> list[str]:
    pairs = row["scores"]["pairs"]
    figures = [f"{pairs[name]:.3f}" for name in ("precision", "recall", "f1", "strict_precision", "strict_f1")]
    labels = [f"{pairs['by_label'][label]:.3f}" if label in pairs["by_label"] else "" for label in "3210"]
    return [set_name(row), str(pairs["pairs"]), *figures, *labels, f"{row['scores']['largest']:,}"]


def _language_line(result: Result, language: str, found: dict[tuple[str, bool], Row]) -> list[str]:
    alone = found.get(("languages", True))
    rivals = [next(rivals_of(result, peer, alone)) if alone else None for peer in chosen_peers(result)]
    others = [found.get(key) for key in (("languages", False), ("languages-mixed", True), ("languages-mixed", False))]
    kinds = kinds_of(alone) if alone else {}
    derived = [kinds.get(("together", kind), "") for kind in DERIVED_KINDS]
    apart = [kinds.get(("apart", kind), "") for kind in OTHER_KINDS]
    return [language, *map(_f1, [alone, *rivals, *others]), *derived, *apart]


def _f1(row: Row | None) -> str:
    return f"{row['scores']['pairs']['f1']:.3f}" if row else ""


def summary(result: Result) -> str:
    """Return five figures of the batch, beside what the service and the peers reach at one threshold for all sets."""
    service = {row["set"]: row for row in read_result(RESULTS / "http.json")["quality"] if row["way"] == "service"}
    peers = chosen_peers(result)
    batch = {row["set"]: row for row in rows_of(result, "wirecopy", part=False) if row["dated"]}
    lines = []
    for name, streamed, measure in _SUMMARY:
        show = dict(MEASURES)[measure]
        ours = [show(batch[name]["scores"]) or "", show(service[streamed]["scores"]) or ""]
        singles = [list(rivals_of(result, peer, batch[name]))[1] for peer in peers]
        lines.append([f"{name}, {measure}", *ours, *(show(row["scores"]) or "" for row in singles)])
    header = ["set, measure", "wirecopy, batch", "wirecopy, service", *(f"{PEERS[peer]}" for peer in peers)]
    return table(header, lines)


def claim(result: Result) -> str:
    """Return the one sentence that says what others miss: rewrites and briefs of the project's own articles."""
    row = next(row for row in rows_of(result, "wirecopy", part=False) if row["set"] == "languages" and row["dated"])
    rival = list(rivals_of(result, "datasketch", row))[1]
    ours, theirs = _retellings(row), _retellings(rival)
    return (
        f"Of {ours[1]} full rewrites and briefs in ten languages it finds {ours[0]}; MinHash-LSH, at the threshold "
        f"that serves all sets best, finds {theirs[0]}."
    )


def _retellings(row: Row) -> tuple[int, int]:
    kinds = [kind for kind in row["scores"]["pairs"]["by_kind"] if kind["belong"] == "together"]
    told = [kind for kind in kinds if kind["kind"] in ("rewrite", "brief")]
    return sum(kind["grouped"] for kind in told), sum(kind["total"] for kind in told)


_SUMMARY = (  # set, the same in http.json, measure
    ("us11-dev", "us11-dev", "F1"),
    ("us11-dev", "us11-dev", "strict F1"),
    ("rewrites-dev", "rewrites-dev", "F1"),
    ("rewrites-dev", "rewrites-dev", "templates, false merges"),
    ("languages-mixed", "languages, one stream", "F1"),
)
QUALITY = {
    "quality": quality,
    "quality-details": quality_details,
    "quality-kinds": quality_kinds,
    "quality-languages": quality_languages,
    "quality-relations": quality_relations,
    "quality-candidates": quality_candidates,
    "quality-shuffles": quality_shuffles,
}
README = {"claim": claim, "summary": summary}  # of sets that only a full run has
SOURCES: dict[str, tuple[str, Callable[[Result], str]]] = {
    **{name: ("quality.json", render) for name, render in (QUALITY | README).items()},
    **speed_tables.SOURCES,
}


def fill(text: str, results: Path = RESULTS) -> str:
    """Return a document with every marked table made anew; raise KeyError for a marker that nothing makes."""

    def replace(match: re.Match[str]) -> str:
        file, render = SOURCES[match[1]]
        return f"<!-- bench:{match[1]} -->\n{render(read_result(results / file))}\n<!-- /bench:{match[1]} -->"

    return re.sub(r"<!-- bench:([\w-]+) -->\n.*?<!-- /bench:\1 -->", replace, text, flags=re.DOTALL)


def documents(root: Path = ROOT) -> list[Path]:
    """Return the documents that may hold tables."""
    return [root / "README.md", *sorted((root / "docs").glob("*.md"))]


def main() -> None:
    """Rewrite the tables of every document."""
    for document in documents():
        before = document.read_text(encoding="utf-8")
        if (after := fill(before)) != before:
            document.write_text(after, encoding="utf-8")
            print(f"{document.name}: tables made anew")


if __name__ == "__main__":
    main()
