"""The three plots of the documents, made of the result files: `python -m bench.plots`.

SVG without a background, in colours and greys that can be read on white and on black; each carries a digest of the
figures that it shows, by which a test tells that it is of these results.
"""

import hashlib
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec

from bench.results import RESULTS, read_result
from bench.tables import ROOT

FOLDER = ROOT / "docs" / "plots"
OURS, OTHERS, INK = "#3b82f6", "#f59e0b", "#808080"
Result = dict[str, Any]


def throughput(axes: Any, results: Path) -> None:
    """Draw articles per second and core from text to keys or signatures."""
    rows = [row for row in read_result(results / "kernels.json")["figures"] if row["name"] != "orjson.loads"]
    rows.sort(key=lambda row: row["us"], reverse=True)
    rates = [1e6 / row["us"] for row in rows]
    colours = [OURS if row["name"].startswith("wirecopy") else OTHERS for row in rows]
    bars = axes.barh([row["name"] for row in rows], rates, color=colours)
    axes.bar_label(bars, [f"{rate:,.0f}" for rate in rates], padding=3, color=INK)
    axes.set_xscale("log")
    axes.set_title("text to keys or signatures: articles of 2.7 KB per second, one core")


def quality(axes: Any, results: Path) -> None:
    """Draw F1 of each labelled set beside the peers, each at its best single threshold."""
    result = read_result(results / "quality.json")
    names = [
        row["set"]
        for row in result["rows"]
        if row["system"] == "wirecopy" and row["dated"] and not row["part"] and row["scores"]["pairs"]
    ]
    systems = {"wirecopy": None, **{peer: result["chosen"][peer]["single"] for peer in result["chosen"]}}
    for number, (system, threshold) in enumerate(systems.items()):
        values = []
        for name in names:
            found = [
                row["scores"]["pairs"]["f1"]
                for row in result["rows"]
                if (row["system"], row["set"], row["dated"], row["threshold"]) == (system, name, True, threshold)
            ]
            values.append(found[0] if found else 0.0)
        places = [k + 0.27 * (number - 1) for k in range(len(names))]
        label = system if threshold is None else f"{system} at {threshold:g}"
        axes.bar(places, values, 0.25, label=label, color=[OURS, OTHERS, "#10b981"][number % 3])
    axes.set_xticks(range(len(names)), names, rotation=20)
    axes.legend(frameon=False, labelcolor=INK, loc="lower left", bbox_to_anchor=(0, -0.45), ncols=3)
    axes.set_title("F1 of pairs on labelled articles, one setting for all")


def size(axes: Any, results: Path) -> None:
    """Draw seconds and memory of whole runs against the number of articles."""
    rows = read_result(results / "memory.json")["figures"]["sizes"]
    articles = [row["articles"] for row in rows]
    axes.plot(articles, [row["seconds"] for row in rows], "o-", color=OURS)
    axes.set_ylabel("seconds", color=OURS)
    axes.set_xlabel("articles")
    axes.set_ylim(0)
    other = axes.twinx()
    other.plot(articles, [row["peak_mb"] for row in rows], "s--", color=OTHERS)
    other.set_ylabel("peak MB", color=OTHERS)
    other.set_ylim(0)
    style(other)
    axes.set_title("wirecopy dedupe: time and memory against size")


PLOTS: dict[str, tuple[tuple[str, ...], Callable[[Any, Path], None]]] = {
    "throughput": (("kernels.json",), throughput),
    "quality": (("quality.json",), quality),
    "size": (("memory.json",), size),
}


def digest(name: str, results: Path = RESULTS) -> str:
    """Return what a plot carries to tell which figures it shows."""
    parts = [read_result(results / file) for file in PLOTS[name][0]]
    shown = [[part.get("figures"), part.get("rows"), part.get("chosen")] for part in parts]
    return f"figures {hashlib.sha256(msgspec.json.encode(shown)).hexdigest()[:16]}"


def style(axes: Any) -> None:
    """Let axes be seen on white and on black."""
    axes.tick_params(colors=INK)
    for name in ("xaxis", "yaxis"):
        label = getattr(axes, name).label
        if label.get_color() == "black":
            label.set_color(INK)
    axes.title.set_color(INK)
    for spine in axes.spines.values():
        spine.set_color(INK)


def draw(name: str, results: Path = RESULTS) -> str:
    """Return a plot as SVG, the same for the same results."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    with matplotlib.rc_context({"svg.hashsalt": name, "font.size": 9, "svg.fonttype": "none"}):
        figure, axes = pyplot.subplots(figsize=(8, 3.6), layout="constrained")
        PLOTS[name][1](axes, results)
        style(axes)
        out = StringIO()
        figure.savefig(
            out, format="svg", transparent=True, metadata={"Date": None, "Description": digest(name, results)}
        )
        pyplot.close(figure)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def main() -> None:
    """Draw all plots whose results are there."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, (files, _) in PLOTS.items():
        if all((RESULTS / file).exists() for file in files):
            (FOLDER / f"{name}.svg").write_text(draw(name), encoding="utf-8")


if __name__ == "__main__":
    main()
