"""The screen of the shipped model: which candidates need not be verified, because no match can come of them.

    python -m bench.train_screen --eval PATH [--model service/wirecopy/data/model.json]

Run it after `bench.train`: the screen guesses what the model itself says, so it needs streams of articles, no labels.
It is a logistic regression on what is known before verification; its bias is moved until hardly any match is lost in
any stream, and none that would hold a story together.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import msgspec
import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from bench.articles import without_dates
from bench.quality import evaluation_folder
from bench.sets import OWN
from wirecopy.batch import run, tune
from wirecopy.batch.labels import Corpus
from wirecopy.config import Config
from wirecopy.detection.evidence.fitting import log_odds
from wirecopy.detection.evidence.model import FEATURES, Model, Screen
from wirecopy.detection.grouping.stories import LEAST
from wirecopy.detection.kernels.screening import CERTAIN, SCREENED

STREAMS = (("us11",), ("reuters21578", "rewrites-dev"), ("german",), ("telegram",))
LOST, BINDING_LOST = 0.02, 0.004  # of the doubtful matches of a stream, and of those that hold stories, at most
MOST_DIFFERENT = 30_000  # pairs of a stream that are no match
SEED = 1


class Stream(NamedTuple):
    """The candidates of a stream that the screen has a say about: what it knows of them, and their log-odds."""

    name: str
    known: npt.NDArray[np.float64]
    odds: npt.NDArray[np.float64]


def read_streams(evaluation: Path, model: Model) -> Iterator[Stream]:
    """Yield every stream as it is and without dates; all of our own languages are one."""
    with tempfile.TemporaryDirectory() as folder:
        for names in STREAMS:
            files = [file for name in names for file in (evaluation / "articles").glob(f"{name}.jsonl*")]
            yield read_stream(names[0], files, model)
            yield read_stream(f"{names[0]}, undated", [without_dates(file, Path(folder)) for file in files], model)
        yield read_stream("languages", sorted((OWN / "languages").glob("*.jsonl")), model)


def read_stream(name: str, files: list[Path], model: Model) -> Stream:
    """Return what the screen knows of the candidates in files."""
    config, paths = Config(), [str(file) for file in files]
    corpus = Corpus.read(paths, config)
    number = corpus.number_of
    pairs = [(number[a], number[b]) for a, others in run.candidates(paths, config) for b in others]
    features = corpus.measure(pairs)
    known = features[:, list(SCREENED)]
    doubtful = features[:, FEATURES.index("contained")] < CERTAIN
    return Stream(name, known[doubtful], log_odds(model, features[doubtful]))


def fit(streams: list[Stream], least_odds: float) -> Screen:
    """Return the screen; every stream counts the same."""
    draw = np.random.default_rng(SEED)
    columns, targets, weights = [], [], []
    for stream in streams:
        matches, others = np.flatnonzero(stream.odds >= least_odds), np.flatnonzero(stream.odds < least_odds)
        others = draw.choice(others, min(len(others), MOST_DIFFERENT), replace=False)
        for chosen, is_match in ((matches, True), (others, False)):
            columns.append(with_squares(stream.known[chosen]))
            targets += [is_match] * len(chosen)
            weights += [1 / max(1, len(chosen))] * len(chosen)
    scaler = StandardScaler().fit(np.concatenate(columns))
    share = np.array(weights) / np.mean(weights)
    fitted = LogisticRegression(max_iter=5000).fit(scaler.transform(np.concatenate(columns)), targets, share)
    slopes = fitted.coef_[0] / scaler.scale_
    bias = float(fitted.intercept_[0] - scaler.mean_ @ slopes)
    guesses = [bias + with_squares(stream.known) @ slopes for stream in streams]
    lowest = min(limit_of(stream, guess, least_odds) for stream, guess in zip(streams, guesses, strict=True))
    names = [FEATURES[k] for k in SCREENED]
    by_name = dict(zip(names, (float(f"{slope:.5g}") for slope in slopes), strict=False))
    squares = dict(zip(names, (float(f"{slope:.5g}") for slope in slopes[len(names) :]), strict=True))
    return Screen(least_odds, round(bias - lowest, 4), by_name, squares)


def limit_of(stream: Stream, guess: npt.NDArray[np.float64], least_odds: float) -> float:
    """Return the highest limit that loses few matches of a stream, and hardly any that holds a story together."""
    limits = [np.inf]
    for odds, lost in ((least_odds, LOST), (LEAST, BINDING_LOST)):
        matches = np.sort(guess[stream.odds >= odds])
        limits += matches[int(lost * len(matches))][None].tolist() if len(matches) else []
    return float(min(limits))


def with_squares(known: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the columns and their squares."""
    return np.concatenate([known, known**2], axis=1)


def describe(stream: Stream, screen: Screen) -> str:
    """Return what the screen does to a stream."""
    parts = [list(parts.values()) for parts in (screen.weights, screen.squares)]
    guess = screen.bias + with_squares(stream.known) @ np.concatenate(parts)
    matches = stream.odds >= screen.least_odds
    lost = stream.odds[matches & (guess < 0)]
    return (
        f"{stream.name:22} {len(guess):8,} candidates, verified {np.mean(guess >= 0):.3f}; "
        f"of {matches.sum():,} matches lost {len(lost)}, at most {lost.max(initial=-9.0):.2f}"
    )


@click.command()
@click.option("--eval", "evaluation", type=click.Path(path_type=Path), required=True, help="articles/ and labels/.")
@click.option("--model", "file", type=click.Path(path_type=Path), required=True, help="Model file; gets the screen.")
def main(evaluation: Path, file: Path) -> None:
    """Fit the screen of a model and print what it does."""
    evaluation_folder(evaluation)
    model = msgspec.json.decode(file.read_bytes(), type=Model)
    streams = list(read_streams(evaluation, model))
    screen = fit(streams, Config().detection.min_odds)
    for stream in streams:
        click.echo(describe(stream, screen))
    file.write_bytes(tune.encode(msgspec.structs.replace(model, screen=screen)))


if __name__ == "__main__":
    main()
