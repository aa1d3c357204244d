"""Tuning: what it fits, what it refuses, and that its figures mean what they say."""

import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import orjson
import pytest

from bench.sets import OWN, language_pairs, read_language
from wirecopy import config
from wirecopy.batch import labels
from wirecopy.batch import tune as tuning
from wirecopy.batch.labels import Corpus, LabelledPair, LabelledSet
from wirecopy.batch.tune import Judged
from wirecopy.cli.commands import main
from wirecopy.detection.evidence import fitting
from wirecopy.detection.evidence.fitting import Examples, fit, log_odds
from wirecopy.detection.evidence.model import FEATURES, Model, shipped_model
from wirecopy.detection.grouping.stories import LEAST
from wirecopy.detection.kernels import judging
from wirecopy.detector.memory import model_file
from wirecopy.errors import ConfigError, InputFailed, LabelsInsufficient

CONTAINED = FEATURES.index("contained")


def file_of(language: str) -> Path:
    return OWN / "languages" / f"{language}.jsonl"


def pairs_of(language: str) -> list[LabelledPair]:
    """All related pairs of one of our languages, and every eighth of the others."""
    found = [LabelledPair(pair.a, pair.b, pair.label) for pair in language_pairs(read_language(file_of(language)))]
    different = [pair for pair in found if pair.label == 0]
    return [pair for pair in found if pair.label] + different[::8]


@cache
def a_set(language: str) -> LabelledSet:
    corpus = Corpus.read([str(file_of(language))], config.load())
    return corpus.label(language, pairs_of(language))


@cache
def tuned() -> tuning.Tuned:
    return tuning.tune([a_set("de"), a_set("ru")], None, from_scratch=False)


def few(labelled: LabelledSet, shared: int, different: int) -> LabelledSet:
    chosen = [
        *np.flatnonzero(labelled.labels >= labels.SHARED)[:shared].tolist(),
        *np.flatnonzero(labelled.labels == labels.DIFFERENT)[:different].tolist(),
    ]
    return LabelledSet(
        labelled.name, [labelled.pairs[k] for k in chosen], labelled.features[chosen], float(len(chosen))
    )


def write_labels(path: Path, pairs: Sequence[LabelledPair]) -> Path:
    path.write_bytes(b"\n".join(map(msgspec.json.encode, pairs)) + b"\n")
    return path


# --- the fit ----------------------------------------------------------------------------------------------------------


def some_examples() -> Examples:
    return tuning.examples_of([a_set("de"), a_set("ru")])


def test_a_fit_tells_shared_sources_from_the_rest() -> None:
    examples = some_examples()
    odds = log_odds(fit(examples), examples.features)
    assert np.mean((odds > 0) == examples.shared) > 0.9


def features_named(name: str, examples: Examples) -> Any:
    return examples.features[:, FEATURES.index(name)]


def test_a_fit_is_where_no_step_in_any_direction_is_better() -> None:
    """The gradient of loss and penalty, computed plainly from the model that came out, is next to nothing."""
    examples = some_examples()
    model = fit(examples)
    chance = 1 / (1 + np.exp(-log_odds(model, examples.features)))
    pull = examples.weights * (examples.shared - chance)
    columns = [(features_named(name, examples), model.weights[name]) for name in FEATURES]
    columns += [(np.maximum(0, features_named(h.feature, examples) - h.knot), h.weight) for h in model.hinges]
    for values, weight in columns:
        scaled = (values - values.mean()) / (values.std() + 1e-9)
        assert pull @ scaled == pytest.approx(fitting.PENALTY * weight * values.std(), abs=0.05)
    assert pull.sum() == pytest.approx(0, abs=0.1)


def test_a_fit_depends_neither_on_the_order_of_the_examples_nor_on_the_run() -> None:
    examples = some_examples()
    shuffled = np.random.default_rng(5).permutation(len(examples.shared))
    again = fit(examples.part(shuffled))
    once = fit(examples)
    assert fit(examples) == once
    assert log_odds(again, examples.features) == pytest.approx(log_odds(once, examples.features), abs=0.02)


def test_a_stronger_penalty_gives_smaller_weights() -> None:
    examples = some_examples()
    deviation = examples.features.std(axis=0)

    def size(penalty: float) -> float:
        weights = fit(examples, penalty=penalty).weights
        return float(sum((weights[name] * deviation[FEATURES.index(name)]) ** 2 for name in FEATURES))

    sizes = [size(penalty) for penalty in (1.0, 10.0, 100.0, 1e6)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 1e-3


def test_a_fit_towards_a_model_ends_at_that_model_when_labels_count_nothing() -> None:
    examples = some_examples()
    found = fit(examples, penalty=1e9, towards=shipped_model())
    assert found.weights == pytest.approx(shipped_model().weights, rel=1e-2, abs=1e-3)
    assert [hinge.knot for hinge in found.hinges] == [hinge.knot for hinge in shipped_model().hinges]


def test_a_fit_towards_a_model_keeps_its_trees_and_counts_what_they_say() -> None:
    examples = some_examples()
    found = fit(examples, towards=shipped_model())
    assert found.trees == shipped_model().trees
    alone = msgspec.structs.replace(found, trees=())
    said = fitting.leaves_of(found.trees, examples.features)
    assert log_odds(found, examples.features) == pytest.approx(log_odds(alone, examples.features) + said)


def test_log_odds_are_those_of_the_kernel() -> None:
    features = a_set("ja").features
    model = shipped_model()
    plain = [judging.log_odds(row.astype(np.float32), model.arrays()) for row in features]
    assert log_odds(model, features) == pytest.approx(plain, abs=1e-4)


# --- features ---------------------------------------------------------------------------------------------------------


def test_features_have_no_direction() -> None:
    corpus = Corpus.read([str(file_of("tr"))], config.load())
    there = corpus.measure([(0, 1), (2, 9), (5, 20)])
    back = corpus.measure([(1, 0), (9, 2), (20, 5)])
    assert there.shape == (3, len(FEATURES))
    names = [k for k, name in enumerate(FEATURES) if name not in ("order", "template")]  # read along one
    assert there[:, names] == pytest.approx(back[:, names], abs=1e-5)


def test_features_know_dates_and_outlets_where_both_articles_have_them(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "text": "word " * 30, "published": "2026-11-01T00:00:00Z", "source": "north"},
        {"id": "b", "text": "word " * 31, "published": "2026-11-03T00:00:00Z", "source": "north"},
        {"id": "c", "text": "word " * 32},
    ]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(map(orjson.dumps, rows)))
    found = Corpus.read([str(tmp_path / "a.jsonl")], config.load()).measure([(0, 1), (0, 2), (2, 2)])
    origin = found[:, [FEATURES.index(name) for name in ("dated", "hours", "gap", "same_outlet")]].tolist()
    assert origin[0] == pytest.approx([1.0, np.log1p(48), 2.0, 1.0])
    assert origin[1:] == [[0.0] * 4] * 2


def test_short_texts_are_left_out_for_the_model_never_judges_them(tmp_path: Path) -> None:
    rows = [{"id": str(k), "text": " ".join(f"word{n}" for n in range(3 if k == 2 else 30))} for k in range(3)]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(map(orjson.dumps, rows)))
    corpus = Corpus.read([str(tmp_path / "a.jsonl")], config.load())
    found = corpus.label("labels", [LabelledPair("0", "1", 3), LabelledPair("0", "2", 0)])
    assert [(pair.a, pair.b) for pair in found.pairs] == [("0", "1")]


def test_an_id_that_comes_twice_is_told_and_the_first_counts(tmp_path: Path) -> None:
    rows = [{"id": "a", "text": "one " * 20}, {"id": "a", "text": "two " * 30}]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(map(orjson.dumps, rows)))
    told: list[Any] = []
    corpus = Corpus.read([str(tmp_path / "a.jsonl")], config.load(), told.append)
    assert corpus.number_of == {"a": 0}
    assert [refusal.line for refusal in told] == [2]


# --- figures ----------------------------------------------------------------------------------------------------------


def some_judged() -> Judged:
    random = np.random.default_rng(3)
    shared = random.random(400) < 0.3
    return Judged(random.normal(np.where(shared, 1.5, -1.5), 1.5), shared, random.uniform(0.5, 2.0, 400))


def test_recall_falls_as_the_threshold_rises() -> None:
    recalls = [some_judged().at(odds).recall for odds in np.linspace(-6, 6, 50)]
    assert recalls == sorted(recalls, reverse=True)
    assert (recalls[0], recalls[-1]) == (1.0, 0.0)


def test_precision_and_recall_are_shares_of_weight() -> None:
    judged = Judged(
        np.array([2.0, 1.0, 0.0, -1.0]), np.array([True, False, True, True]), np.array([1.0, 3.0, 2.0, 4.0])
    )
    row = judged.at(-0.5)
    assert (row.precision, row.recall) == (3 / 6, 3 / 7)
    assert row.f1 == pytest.approx(2 * 3 / (6 + 7))


@pytest.mark.parametrize("wanted", [0.6, 0.8, 0.9, 0.95])
def test_the_chosen_threshold_has_the_precision_and_none_below_it_does(wanted: float) -> None:
    judged = some_judged()
    threshold = judged.reaching(wanted)
    assert threshold is not None
    assert judged.at(threshold).precision >= wanted
    assert all(judged.at(odds).precision < wanted for odds in judged.odds[judged.odds < threshold])


def test_no_threshold_is_chosen_where_none_has_the_precision() -> None:
    assert Judged(np.array([2.0, 1.0]), np.array([False, True]), np.ones(2)).reaching(0.9) is None


def test_the_best_threshold_is_better_than_all_others() -> None:
    judged = some_judged()
    best = judged.at(judged.best()).f1
    assert best == pytest.approx(max(judged.at(odds).f1 for odds in judged.odds))


def test_bins_of_reliability_hold_every_pair_once() -> None:
    judged = some_judged()
    bins = judged.bins()
    assert sum(b.pairs for b in bins) == len(judged.odds)
    assert all(b.low <= b.predicted <= b.high and 0 <= b.observed <= 1 for b in bins)
    assert bins[-1].observed > bins[0].observed


def test_folds_spread_each_label_and_do_not_depend_on_order() -> None:
    labelled = a_set("ru")
    folds = tuning.folds_of(labelled)
    for label in (labels.SHARED, labels.DIFFERENT):
        counts = np.bincount(folds[np.minimum(labelled.labels, 2) == label], minlength=tuning.FOLDS)
        assert counts.max() - counts.min() <= 1
    turned = LabelledSet(labelled.name, labelled.pairs[::-1], labelled.features[::-1], labelled.total)
    assert tuning.folds_of(turned)[::-1].tolist() == folds.tolist()


def test_a_pair_is_validated_by_a_model_that_has_not_seen_it() -> None:
    """Labels that are pure chance cannot be told apart, however many weights there are."""
    labelled = a_set("de")
    random = np.random.default_rng(1)
    pairs = [msgspec.structs.replace(pair, label=int(random.integers(2)) * 3) for pair in labelled.pairs]
    chance = labelled._replace(pairs=pairs)
    odds = tuning.cross_validate([chance], fit)
    shared = chance.labels >= labels.SHARED
    above = np.mean(odds[0][shared][:, None] > odds[0][~shared][None, :])
    assert 0.3 < above < 0.65


def test_a_tuned_model_separates_a_language_that_it_was_not_fitted_on() -> None:
    labelled = a_set("zh")
    row = Judged.of([labelled], [log_odds(tuned().model, labelled.features)]).at(LEAST)
    assert row.f1 > 0.8


def test_the_bias_is_moved_so_that_the_threshold_lies_where_stories_are_drawn() -> None:
    found = tuned()
    labelled = found.sets[0]
    moved = float(found.model.trained["bias_moved"])
    assert moved == pytest.approx(LEAST - found.threshold, abs=1e-3)
    unmoved = replace_bias(found.model, found.model.bias - moved)
    above = log_odds(unmoved, labelled.features) >= found.threshold
    assert ((log_odds(found.model, labelled.features) >= LEAST) == above).mean() > 0.99


def replace_bias(model: Model, bias: float) -> Model:
    return msgspec.structs.replace(model, bias=bias)


def test_a_wanted_precision_is_had_at_the_price_of_recall() -> None:
    sets = [a_set("de"), a_set("ru")]
    loose, strict = (tuning.tune(sets, wanted, from_scratch=False).chosen for wanted in (0.7, 0.99))
    assert strict.precision >= 0.99
    assert loose.recall >= strict.recall
    assert loose.threshold <= strict.threshold


def test_each_file_is_also_judged_by_a_model_of_the_others() -> None:
    assert set(tuned().left_out) == {"de", "ru"}
    assert all(row.f1 > 0.7 for row in tuned().left_out.values())


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shared", "different"), [(29, 100), (100, 29), (0, 0)])
def test_too_few_labels_of_a_class_are_refused_with_their_number(shared: int, different: int) -> None:
    with pytest.raises(LabelsInsufficient, match=f"at least {tuning.FEWEST} pairs"):
        tuning.tune([few(a_set("de"), shared, different)], None, from_scratch=True)


def test_a_precision_that_labels_cannot_show_is_refused() -> None:
    """Pairs that look all the same, half of them right: no threshold does better than half."""
    labelled = few(a_set("de"), 40, 40)
    alike = labelled._replace(features=np.repeat(labelled.features[:1], 80, axis=0))
    with pytest.raises(LabelsInsufficient, match=r"no threshold has a precision of 0\.999"):
        tuning.tune([alike], 0.999, from_scratch=True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": "1", "b": "2"}', "line 1 is no labelled pair: Object missing required field `label`"),
        ('{"a": "1", "b": "2", "label": 4}', "Expected `int` <= 3"),
        ('{"a": "1", "b": "2", "label": true}', "Expected `int`"),
        ('{"a": "1", "b": "2", "label": 1, "weight": 0}', "Expected `float` > 0"),
        ('{"a": "1", "b": "2", "label": 1, "weight": "x"}', "Expected `float`"),
        ('{"a": "", "b": "2", "label": 1}', "length >= 1"),
        ('\n{"a": "1", "b": "1", "label": 3}', "line 2 pairs '1' with itself"),
        ('{"a": "1", "b": "2", "label": 3}\n{"a": "2", "b": "1", "label": 0}', "lines 1 and 2 label the same pair"),
        ("[]", "line 1 is no labelled pair"),
        ("\udcff", "line 1 is no labelled pair"),
        (" " * (2**20 + 1), "line 1 is longer than"),
    ],
)
def test_a_file_that_holds_no_labels_is_refused_by_line_and_reason(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "labels.jsonl"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputFailed, match=r"labels\.jsonl") as refusal:
        labels.read_labels(str(file))
    assert reason in str(refusal.value)


def test_a_pair_that_is_labelled_twice_alike_counts_once(tmp_path: Path) -> None:
    file = write_labels(
        tmp_path / "labels.jsonl", [LabelledPair("1", "2", 3), LabelledPair("2", "1", 3), LabelledPair("1", "3", 0)]
    )
    assert [(pair.a, pair.b) for pair in labels.read_labels(str(file))] == [("1", "2"), ("1", "3")]


def test_unknown_ids_are_refused_by_name() -> None:
    corpus = Corpus.read([str(file_of("de"))], config.load())
    with pytest.raises(InputFailed, match=r"mine\.jsonl.*2 of its ids.*'absent', 'gone'"):
        corpus.label("mine.jsonl", [LabelledPair("absent", "gone", 0)])


# --- the command ------------------------------------------------------------------------------------------------------


Tune = Callable[..., int]


@pytest.fixture
def tune(tmp_path: Path) -> Tune:
    """Runs the command over German and Russian labels: tune("--precision", "0.9")."""

    def run(*options: str, output: Path = tmp_path / "model.json", languages: Sequence[str] = ("de", "ru")) -> int:
        files = [str(write_labels(tmp_path / f"{name}-labels.jsonl", pairs_of(name))) for name in languages]
        more = [part for file in files[1:] for part in ("--labels", file)]
        articles = [str(file_of(name)) for name in languages]
        return main(["tune", files[0], *more, *articles, "--output", str(output), *options])

    return run


def test_the_command_writes_a_model_that_dedupe_takes(
    tune: Tune, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tune() == 0
    said = capsys.readouterr().out
    for expected in ("de-labels.jsonl: 70 pairs share a source", "precision  recall", "Chosen:", "Reliability"):
        assert expected in said
    model = model_file.load(str(tmp_path / "model.json"))
    assert set(model.trained) == {"date", "sets", "cross_validated", "bias_moved"}
    (tmp_path / "settings.yaml").write_text(f"detection: {{model: {tmp_path / 'model.json'}}}", encoding="utf-8")
    options = ["--config", str(tmp_path / "settings.yaml"), "--output", str(tmp_path / "out.jsonl")]
    assert main(["dedupe", str(file_of("fr")), *options]) == 0
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert 5 < len({row["story"] for row in rows}) < len(rows)


def test_the_same_labels_give_the_same_model(tune: Tune, tmp_path: Path) -> None:
    assert tune(output=tmp_path / "one.json") == tune(output=tmp_path / "two.json") == 0
    one, two = (model_file.load(str(tmp_path / name)) for name in ("one.json", "two.json"))
    assert replace_trained(one) == replace_trained(two)


def replace_trained(model: Model) -> Model:
    return msgspec.structs.replace(model, trained={})


def test_a_model_from_scratch_differs_from_a_correction(tune: Tune, tmp_path: Path) -> None:
    assert tune(output=tmp_path / "one.json") == tune("--from-scratch", output=tmp_path / "two.json") == 0
    one, two = (model_file.load(str(tmp_path / name)) for name in ("one.json", "two.json"))
    assert one.weights != two.weights


def test_a_refused_command_writes_nothing(tune: Tune, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few_labels = write_labels(tmp_path / "few.jsonl", pairs_of("de")[:10])
    output = tmp_path / "model.json"
    assert main(["tune", str(few_labels), str(file_of("de")), "--output", str(output)]) == 2
    assert "at least 30 pairs" in capsys.readouterr().err
    assert main(["tune", str(tmp_path / "absent.jsonl"), str(file_of("de")), "--output", str(output)]) == 3
    assert main(["tune", str(few_labels), str(file_of("ru")), "--output", str(output)]) == 3
    assert "in no article file" in capsys.readouterr().err
    assert tune("--labels", str(tmp_path / "de-labels.jsonl")) == 2
    assert "given twice" in capsys.readouterr().err
    assert not output.exists()


def test_a_line_that_is_no_article_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    articles = tmp_path / "articles.jsonl"
    articles.write_bytes(file_of("de").read_bytes() + b"{}\n")
    label_file = write_labels(tmp_path / "labels.jsonl", pairs_of("de"))
    assert main(["tune", str(label_file), str(articles), "--output", str(tmp_path / "model.json")]) == 1
    assert "articles.jsonl:55:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "expectation"),
    [
        ("{}", "missing required field"),
        ("no json", "malformed"),
        ('{"bias": 0, "weights": {"charm": 1}}', "there is no feature 'charm'"),
        ('{"bias": 0, "weights": {}}', "all weights are 0"),
        ('{"bias": 0, "weights": {"runs": "1"}}', "Expected `float`"),
        ('{"bias": 0, "weights": {"runs": 1}, "extra": 1}', "unknown field `extra`"),
    ],
)
def test_a_wrong_model_file_is_refused_by_file_and_expectation(
    tmp_path: Path, text: str, expectation: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "model.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refusal:
        model_file.load(str(file))
    assert (refusal.value.file, refusal.value.path) == (str(file), "detection.model")
    assert "wirecopy tune" in refusal.value.expectation
    assert expectation in refusal.value.expectation
    (tmp_path / "settings.yaml").write_text(f"detection: {{model: {file}}}", encoding="utf-8")
    options = ["--config", str(tmp_path / "settings.yaml"), "--output", str(tmp_path / "out.jsonl")]
    assert main(["dedupe", str(file_of("fr")), *options]) == 2
    assert str(file) in capsys.readouterr().err
    assert not (tmp_path / "out.jsonl").exists()


def test_a_missing_model_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.json: detection\.model: expected a model"):
        model_file.load(str(tmp_path / "absent.json"))


def test_what_is_printed_shows_the_shipped_model_and_recommends_only_what_is_better_lenient_and_strict() -> None:
    found = tuned()
    more, less = found.shipped._replace(f1=found.shipped.f1 + 0.01), found.shipped_strict._replace(f1=0.0)
    better = found._replace(chosen=more, chosen_strict=found.shipped_strict)
    equal = found._replace(chosen=found.shipped, chosen_strict=found.shipped_strict)
    only_lenient = found._replace(chosen=more, chosen_strict=less, shipped_strict=found.shipped)
    for which, is_recommended in ((better, True), (equal, False), (only_lenient, False)):
        lines = "\n".join(tuning.describe(which)).splitlines()
        assert which.is_better == is_recommended
        rows = {line.split()[0]: line.split()[1:] for line in lines if line.startswith(("  new ", "  shipped "))}
        assert rows["shipped"] == [f"{x:.3f}" for x in (*which.shipped[1:], which.shipped_strict.f1)]
        assert rows["new"] == [f"{x:.3f}" for x in (*which.chosen[1:], which.chosen_strict.f1)]
        assert any(line.startswith("Not recommended") for line in lines) != is_recommended


def test_strict_figures_count_pairs_of_the_same_event_as_different() -> None:
    labelled = a_set("ja")
    odds = [np.full(len(labelled.pairs), 5.0)]
    lenient, strict = (Judged.of([labelled], odds, strict=strict) for strict in (False, True))
    events = int((labelled.labels == labels.SAME_EVENT).sum())
    assert len(strict.odds) - len(lenient.odds) == events > 0
    assert strict.at(0.0).precision < lenient.at(0.0).precision
