"""docs/matching.md cannot fall behind: every feature is described; weights, figures and constants are the model's."""

import re

from bench.model_tables import DOCUMENT, fill
from wirecopy.detection.evidence.model import FEATURES, shipped_model

TEXT = DOCUMENT.read_text(encoding="utf-8")


def test_every_feature_is_described_once_and_none_that_is_gone() -> None:
    table = TEXT.partition("<!-- model:features -->")[2].partition("<!-- /model:features -->")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == sorted(FEATURES)


def test_the_tables_are_those_of_the_shipped_model() -> None:
    assert set(re.findall(r"<!-- model:(\w+) -->", TEXT)) == {"features", "sets", "reliability", "constants"}
    assert fill(TEXT, shipped_model()) == TEXT, "docs/matching.md differs from model.json: python -m bench.model_tables"


def test_the_model_weighs_no_feature_that_does_not_exist() -> None:
    model = shipped_model()
    assert set(model.weights) == set(FEATURES)
    assert {hinge.feature for hinge in model.hinges} <= set(FEATURES)
    assert {"date", "sets", "reliability"} <= set(model.trained)
