"""The model that wirecopy ships: fitted on the labelled sets, by the code behind `wirecopy tune`.

    python -m bench.train --eval PATH [--output service/wirecopy/data/model.json]

Each set counts the same whatever its size, with some exceptions (`IMPORTANCE`): us11 twice, because it alone holds
real copies by many newsrooms; kursk a fifth, because its six pairs are the only rewrites that newsrooms really ran;
each of our own languages a quarter, because they were written for this project; and pairs of earnings notes of
different companies three tenths, as look-alikes without a counterpart.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
import numpy as np

from bench.quality import evaluation_folder
from bench.scoring import Pair, read_pairs, read_templates
from bench.sets import OWN, language_pairs, read_language
from wirecopy.batch import tune
from wirecopy.batch.labels import Corpus, LabelledPair, LabelledSet
from wirecopy.batch.tune import Judged
from wirecopy.config import Config
from wirecopy.detection.evidence.fitting import fit
from wirecopy.detection.evidence.model import FEATURES, Model

UNIT = 300.0  # pairs that a set of importance 1 counts as
IMPORTANCE = {"us11": 2.0, "kursk": 0.2, "earnings": 0.3}
OF_A_LANGUAGE = 0.25
LOOK_ALIKES, DRAWN, SEED = 1500, 60_000, 1
TELLING = 2.5  # `evidence` from which an unlabelled pair of one language file says anything
KINDS = ("shared", "same_event", "different")


def read_sets(evaluation: Path) -> list[LabelledSet]:
    """Return every set that the model is fitted on, with its features."""
    articles, labels = evaluation / "articles", evaluation / "labels"
    us11 = _corpus(articles / "us11.jsonl.gz", articles / "kursk.jsonl")
    rewrites = _corpus(articles / "reuters21578.jsonl.gz", articles / "rewrites-dev.jsonl")
    german, telegram = (_corpus(articles / f"{name}.jsonl.gz") for name in ("german", "telegram"))
    sets = [
        _set("us11", us11, read_pairs(labels / "us11-dev.jsonl")),
        _set("kursk", us11, read_pairs(labels / "kursk.jsonl")),
        _set("rewrites", rewrites, read_pairs(labels / "rewrites-dev.jsonl")),
        look_alikes(rewrites, labels / "templates.jsonl"),
        _set("german", german, read_pairs(OWN / "labels" / "german-dev.jsonl")),
        _set("telegram", telegram, read_pairs(OWN / "labels" / "telegram-dev.jsonl")),
    ]
    return [*sets, *(language_set(path) for path in sorted((OWN / "languages").glob("*.jsonl")))]


def look_alikes(corpus: Corpus, notes: Path) -> LabelledSet:
    """Return the most similar of many random pairs of earnings notes of different companies."""
    company = {note.id: note.company for note in read_templates(notes)}
    drawn = np.random.default_rng(SEED).choice(list(company), (DRAWN, 2)).tolist()
    pairs = [LabelledPair(a, b, 0) for a, b in drawn if company[a] != company[b]]
    whole = corpus.label("earnings", pairs)
    likeness = whole.features[:, FEATURES.index("contained")] + whole.features[:, FEATURES.index("runs")]
    most = np.argsort(-likeness, kind="stable")[:LOOK_ALIKES].tolist()
    return LabelledSet("earnings", [whole.pairs[k] for k in most], whole.features[most], _total("earnings"))


def language_set(path: Path) -> LabelledSet:
    """Return all pairs of one of our own files that belong together, or share enough words to be worth a look."""
    pairs = [LabelledPair(pair.a, pair.b, pair.label) for pair in language_pairs(read_language(path))]
    whole = _corpus(path).label(f"languages/{path.stem}", pairs)
    kept = np.flatnonzero((whole.labels > 0) | (whole.features[:, FEATURES.index("evidence")] > TELLING)).tolist()
    return LabelledSet(whole.name, [whole.pairs[k] for k in kept], whole.features[kept], _total(whole.name))


def groups_of(sets: Sequence[LabelledSet]) -> dict[str, list[LabelledSet]]:
    """Return the sets that are left out together: all languages, and earnings with the rewrites of their agency."""
    groups: dict[str, list[LabelledSet]] = {}
    for labelled in sets:
        name = labelled.name.partition("/")[0]
        groups.setdefault("rewrites" if name == "earnings" else name, []).append(labelled)
    return groups


def train(sets: Sequence[LabelledSet]) -> Model:
    """Return the model of all sets, and beside it what it was made of and how well it does."""
    groups = groups_of(sets)
    odds = dict(zip((s.name for s in sets), tune.cross_validate(sets, fit), strict=True))
    figures = {}
    for name, members in groups.items():
        others = tune.leave_out(sets, [s.name for s in members], fit)
        validated = Judged.of(members, [odds[s.name] for s in members])
        figures[name] = {
            **{kind: sum(tune.describe_labels(s)[kind] for s in members) for kind in KINDS},
            "cross_validated": figures_of(validated),
            "left_out": figures_of(Judged.of(members, others)),
        }
    everything = Judged.of(sets, [odds[s.name] for s in sets])
    trained: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "sets": figures,
        "reliability": [[round(value, 4) for value in tenth] for tenth in everything.bins()],
    }
    return msgspec.structs.replace(fit(tune.examples_of(sets)), trained=trained)


def figures_of(judged: Judged) -> dict[str, float]:
    """Return F1 at even odds, and the best F1 of any threshold."""
    even, best = judged.at(0.0), max((judged.at(odds) for odds in np.unique(judged.odds)), key=lambda row: row.f1)
    return {"f1": round(even.f1, 3), "best_f1": round(best.f1, 3), "at": round(best.threshold, 3)}


def _set(name: str, corpus: Corpus, pairs: Sequence[Pair]) -> LabelledSet:
    return corpus.label(name, [LabelledPair(pair.a, pair.b, pair.label, pair.weight) for pair in pairs], _total(name))


def _total(name: str) -> float:
    return UNIT * IMPORTANCE.get(name, OF_A_LANGUAGE if name.startswith("languages/") else 1.0)


def _corpus(*files: Path) -> Corpus:
    click.echo(f"reading {', '.join(file.name for file in files)}", err=True)
    return Corpus.read([str(file) for file in files], Config())


@click.command()
@click.option("--eval", "evaluation", type=click.Path(path_type=Path), required=True, help="articles/ and labels/.")
@click.option("--output", type=click.Path(path_type=Path), help="Model file to write.")
def main(evaluation: Path, output: Path | None) -> None:
    """Fit the shipped model and print its figures."""
    evaluation_folder(evaluation)
    model = train(read_sets(evaluation))
    for name, figures in model.trained["sets"].items():
        click.echo(f"{name:<10} {figures}")
    for tenth in model.trained["reliability"]:
        click.echo("{:.1f}-{:.1f} {:>6.0f} {:.3f} {:.3f}".format(*tenth))
    if output:
        output.write_bytes(tune.encode(model))


if __name__ == "__main__":
    main()
