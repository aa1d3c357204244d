"""The tables of docs/matching.md that say what is in the shipped model; a test holds the two equal.

    python -m bench.model_tables

Between `<!-- model:features -->` and its end stand hand-written rows whose last cell, the weight, is made here; between
`<!-- model:sets -->`, `<!-- model:reliability -->` and `<!-- model:constants -->` and their ends stands nothing else.
"""

import re
from pathlib import Path

from bench.markdown import table
from wirecopy.config import Detection
from wirecopy.detection.evidence.mixture import PART
from wirecopy.detection.evidence.model import COPIED, Model, shipped_model
from wirecopy.detection.grouping import mixtures, stories
from wirecopy.detection.kernels.crowds import CROWD
from wirecopy.detection.kernels.features import PART_WEIGHT, TOLD
from wirecopy.detection.kernels.index import RING
from wirecopy.detection.kernels.layout import KEYS
from wirecopy.detection.kernels.passages import GRAM
from wirecopy.detection.kernels.passes import SCREEN
from wirecopy.detection.kernels.screening import CERTAIN

DOCUMENT = Path(__file__).parent.parent / "docs" / "matching.md"


def weight(model: Model, feature: str) -> str:
    """Return what a feature counts: its weight, then what each hinge adds above its knot."""
    hinges = [f"{h.weight:+.3g} above {h.knot:.3g}" for h in model.hinges if h.feature == feature]
    return ", ".join([f"{model.weights.get(feature, 0.0):.3g}", *hinges])


def features(rows: str, model: Model) -> str:
    """Return hand-written rows with the weights of the model in their last cells."""

    def row(match: re.Match[str]) -> str:
        return f"| `{match[1]}` |{match[2]}| {weight(model, match[1])} |"

    return re.sub(r"^\| `(\w+)` \|(.*)\|[^|]*\|$", row, rows, flags=re.MULTILINE)


def sets(model: Model) -> str:
    """Return what the model was fitted on, and how it does on pairs that it has not seen."""
    header = ["set", "shared source", "same event", "different", "F1, left out", "best F1 then", "F1, shipped model"]
    lines = []
    for name, line in model.trained["sets"].items():
        out, shipped = line["left_out"], line["shipped"]
        counts = [f"{line[kind]:,}" for kind in ("shared", "same_event", "different")]
        lines.append([name, *counts, *(f"{figure:.3f}" for figure in (out["f1"], out["best_f1"], shipped["f1"]))])
    return table(header, lines)


def reliability(model: Model) -> str:
    """Return how often scores were right, by tenths."""
    lines = []
    for low, high, pairs, predicted, observed in model.trained["reliability"]:
        bar = "█" * round(20 * observed)
        lines.append([f"{low:.1f}-{high:.1f}", f"{pairs:,.0f}", f"{predicted:.3f}", f"{observed:.3f}", bar])
    return table(["score", "pairs", "mean score", "share that shares a source", ""], lines)


def constants() -> str:
    """Return the numbers of the method that are neither fitted nor features."""
    defaults = Detection()
    lines = [
        ("keys per article", KEYS, "`kernels.KEYS`"),
        ("shared rarity that makes a candidate, nats", defaults.min_shared_rarity, "`detection.min_shared_rarity`"),
        ("articles looked at per key, the newest", RING, "`kernels.RING`"),
        ("candidates with a key, from which it is seldom added", CROWD, "`kernels.CROWD`"),
        ("of these, articles within the window that count", defaults.max_key_articles, "`detection.max_key_articles`"),
        ("candidates per article", defaults.max_candidates, "`detection.max_candidates`"),
        ("share of either text's weight below which none is compared", SCREEN, "`kernels.SCREEN`"),
        ("share of the shorter text from which none is screened", CERTAIN, "`kernels.CERTAIN`"),
        ("log-odds from which a candidate is a match", defaults.min_odds, "`detection.min_odds`"),
        ("mean log-odds that hold a story together", stories.LEAST, "`stories.LEAST`"),
        ("log-odds beyond which evidence counts no more", stories.CLIP, "`stories.CLIP`"),
        ("articles that are clustered anew together", stories.REGION, "`stories.REGION`"),
        ("log-odds below which two have nothing in common", mixtures.APART, "`mixtures.APART`"),
        ("part of a mixture's weight in each of two stories", PART, "`mixture.PART`"),
        ("members of a larger story that are asked", stories.SAMPLE, "`stories.SAMPLE`"),
        ("share in shared runs that makes a copy", COPIED, "`matching.COPIED`"),
        ("rarity that a part of a round-up shares with a story, nats", PART_WEIGHT / 16, "`kernels.PART_WEIGHT`"),
        ("rarity of all words of a text that a part can be about, nats", TOLD / 16, "`kernels.TOLD`"),
        ("words of a passage that is counted per source", GRAM, "`kernels.GRAM`"),
        (
            "articles in which a passage becomes boilerplate",
            defaults.boilerplate_stories,
            "`detection.boilerplate_stories`",
        ),
    ]
    return table(["what", "value", "name"], [[what, f"{value:g}", name] for what, value, name in lines])


def fill(text: str, model: Model) -> str:
    """Return the document with all its tables made anew; raise KeyError for a marker that nothing makes."""

    def replace(match: re.Match[str]) -> str:
        name, rows = match[1], match[2]
        made = {
            "features": lambda: features(rows, model),
            "sets": lambda: sets(model),
            "reliability": lambda: reliability(model),
            "constants": constants,
        }[name]()
        return f"<!-- model:{name} -->\n{made.rstrip()}\n<!-- /model:{name} -->"

    return re.sub(r"<!-- model:(\w+) -->\n(.*?)<!-- /model:\1 -->", replace, text, flags=re.DOTALL)


def main() -> None:
    """Rewrite the tables of the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(fill(text, shipped_model()), encoding="utf-8")


if __name__ == "__main__":
    main()
