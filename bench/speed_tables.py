"""Tables of speed and size, made of the result files of `bench.kernels`, `batch`, `memory`, `index` and `http`."""

from collections.abc import Callable
from typing import Any

from bench.markdown import table
from bench.results import RESULTS, read_result

Result = dict[str, Any]


def kernels(result: Result) -> str:
    """Return the time per article of everybody, and what it is in units of wirecopy.sketch and of parsing."""
    rows = {row["name"]: row for row in result["figures"]}
    ours, signing, parsing = (rows[name]["us"] for name in ("wirecopy.sketch", "wirecopy.signatures", "orjson.loads"))
    lines = [
        [
            row["name"], row["what"], f"{row['us']:.1f}", f"{1e6 / row['us']:,.0f}", f"{row['us'] / ours:.1f}",
            f"{row['us'] / signing:.1f}", f"{row['us'] / parsing:.1f}", quality_of(row["name"]),
        ]
        for row in result["figures"]
    ]  # fmt: skip
    header = ["2.7 KB articles, one core", "makes", "us", "articles/s", "x sketch", "x signatures", "x orjson"]
    return table([*header, "F1 us11-dev, rewrites-dev"], lines)


def quality_of(name: str) -> str:
    """Return F1 of what is grouped by these keys or signatures, where quality.json knows it."""
    system = "wirecopy" if name == "wirecopy.sketch" else "datasketch"
    if name not in ("wirecopy.sketch", "wirecopy.signatures", "wirecopy.minhash", "datasketch"):
        return ""
    measured = read_result(RESULTS / "quality.json")
    single = None if system == "wirecopy" else measured["chosen"][system]["single"]
    found = [
        f"{row['scores']['pairs']['f1']:.3f}"
        for wanted in ("us11-dev", "rewrites-dev")
        for row in measured["rows"]
        if (row["system"], row["set"], row["dated"], row["threshold"]) == (system, wanted, True, single)
    ]
    return ", ".join(found)


def batch(result: Result) -> str:
    """Return whole runs, with the F1 of the same programs on labelled articles."""
    scores: dict[str, list[str]] = {}
    for row in result["quality"]:
        scores.setdefault(row["system"], []).append(f"{row['f1']:.3f}")
    names = list(dict.fromkeys(row["set"] for row in result["quality"]))
    lines = [
        [
            row["system"], row["what"], f"{row['articles']:,}", f"{row['articles_per_second']:,.0f}",
            f"{row['seconds']:.1f}", f"{row['cpu_seconds']:.1f}", f"{row['peak_mb']:,.0f}",
            ", ".join(scores.get(row["system"], [])),
        ]
        for row in result["figures"]
    ]  # fmt: skip
    header = ["program", "input", "articles", "articles/s", "seconds", "processor seconds", "peak MB"]
    return table([*header, f"F1 {', '.join(names)}"], lines)


def memory(result: Result) -> str:
    """Return time and memory of whole runs against their size."""
    rows = result["figures"]["sizes"]
    lines = [
        [
            f"{row['articles']:,}", f"{row['articles_per_second']:,.0f}", f"{row['seconds']:.1f}",
            f"{row['peak_mb']:,.0f}",
        ]
        for row in rows
    ]  # fmt: skip
    return table(["generated articles", "articles/s", "seconds", "peak MB"], lines)


def index(result: Result) -> str:
    """Return times and memory of the index against its size."""
    lines = [
        [
            f"{row['articles']:,}", f"{row['both_us']:.1f}", f"{row['query_us']:.1f}", f"{row['growing_us']:.1f}",
            f"{row['pause_ms']:.1f}", f"{row['bytes_per_article']:,.0f}",
        ]
        for row in result["figures"]
    ]  # fmt: skip
    heads = ["articles in the index", "look up and insert us", "look up us", "both while it grows us", "longest ms"]
    return table([*heads, "bytes per article"], lines)


def http(result: Result) -> str:
    """Return the service under load, with the F1 of labelled articles that went through it, so configured."""
    figures = result["figures"]
    scores = ", ".join(f"{row['scores']['pairs']['f1']:.3f}" for row in result["quality"] if row["way"] == "service")
    names = ", ".join(row["set"] for row in result["quality"] if row["way"] == "service")
    times = f"{figures['p50_ms']:.1f} / {figures['p99_ms']:.1f} / {figures['slowest_ms']:.1f}"
    lines = [
        [
            "bare handler, as fast as answered", f"{figures['bare_per_second']:,.0f}", "1.00", "",
            f"{figures['bare_cpu_ms']:.2f}", "",
        ],
        [
            "`PUT`, as fast as answered", f"{figures['put_per_second']:,.0f}", f"{figures['put_to_bare']:.2f}", "",
            f"{figures['put_cpu_ms']:.2f}", scores,
        ],
        [
            "`PUT`, half as fast", f"{figures['paced_per_second']:,.0f}", "", times,
            f"{figures['paced_cpu_ms']:.2f}", scores,
        ],
        ["`/v1/bulk`", f"{figures['bulk_per_second']:,.0f}", "", "", f"{figures['bulk_cpu_ms']:.2f}", scores],
    ]  # fmt: skip
    header = [f"{figures['window']:,} articles in the window, 32 connections", "a second", "of bare"]
    return table([*header, "ms: median / 99 % / slowest", "processor ms", f"F1 {names}"], lines)


SOURCES: dict[str, tuple[str, Callable[[Result], str]]] = {
    "speed-kernels": ("kernels.json", kernels),
    "speed-batch": ("batch.json", batch),
    "speed-memory": ("memory.json", memory),
    "speed-index": ("index.json", index),
    "speed-http": ("http.json", http),
}
