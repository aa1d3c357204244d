"""Settings: defaults, a file over them, and messages that say what to do."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from wirecopy.config import Config, load, override
from wirecopy.errors import ConfigError

ROOT = Path(__file__).parent.parent
DOCUMENTED = ROOT / "config.yaml"


def load_text(folder: Path, text: str) -> Config:
    file = folder / "settings.yaml"
    file.write_text(text, encoding="utf-8")
    return load(file)


def test_the_documented_settings_are_the_packaged_defaults() -> None:
    assert load(DOCUMENTED) == Config() == load(None)


def test_every_setting_is_documented_with_a_comment_of_both_directions() -> None:
    documented = yaml.safe_load(DOCUMENTED.read_text(encoding="utf-8"))
    assert documented == msgspec.to_builtins(Config())
    lines = DOCUMENTED.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if re.match(r"  \w+:", line):
            comment = []
            while lines[number - 1].startswith("  #"):
                number -= 1
                comment.append(lines[number])
            text = "\n".join(comment)
            assert "If unsure:" in text, f"{line.strip()} lacks advice"
            assert len(comment) >= 4, f"{line.strip()} lacks unit or trade-off"


def test_a_file_replaces_only_what_it_names(tmp_path: Path) -> None:
    config = load_text(tmp_path, "detection:\n  window_days: null\n")
    assert config == msgspec.structs.replace(
        Config(), detection=msgspec.structs.replace(Config().detection, window_days=None)
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "limits: {}"])
def test_a_file_that_sets_nothing_leaves_the_defaults(tmp_path: Path, text: str) -> None:
    assert load_text(tmp_path, text) == Config()


@pytest.mark.parametrize(
    ("text", "path", "expectation"),
    [
        ("limits: {max_id_bytes: 0}", "limits.max_id_bytes", "Expected `int` >= 1"),
        ("limits: {max_id_bytes: many}", "limits.max_id_bytes", "Expected `int`, got `str`"),
        ("detection: {window_days: .nan}", "detection.window_days", "Expected `float`"),
        ("detection: {window_days: .inf}", "detection.window_days", "Expected `float` <="),
        ("stories: {keep: best}", "stories.keep", "Invalid enum value 'best'"),
        ("limits: {max_words: 3}", "limits", "unknown field `max_words`"),
        ("limit: {}", "", "unknown field `limit`"),
        ("limits: [1]", "limits", "Expected `object`, got `array`"),
        ("- 1", "", "Expected `object`, got `array`"),
        ("limits: {max_depth: 3, max_depth: 4}", "max_depth", "is given twice, in lines 1 and 1"),
        ("limits: {", "", "is not YAML"),
        ("a: &x [*x]", "", "unknown field `a`"),
        ("!!python/object:os.system {}", "", "is not YAML"),
        ("\udcff", "", "is not YAML"),
    ],
)
def test_a_wrong_file_is_refused_by_file_setting_and_expectation(
    tmp_path: Path, text: str, path: str, expectation: str
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError) as refusal:
        load(file)
    assert (refusal.value.file, refusal.value.path) == (str(file), path)
    assert expectation in refusal.value.expectation
    assert str(refusal.value).startswith(f"{file}: {path}")
    assert "\n" not in str(refusal.value)


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        load_text(tmp_path, "[" * 5000)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.yaml: cannot be read"):
        load(tmp_path / "absent.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)


def test_the_working_directory_is_not_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text("detection: {min_words: 99}", encoding="utf-8")
    assert load() == Config()


def test_options_win_over_the_file(tmp_path: Path) -> None:
    config = load_text(tmp_path, "detection: {window_days: 3, min_words: 5}")
    changed = override(config, "detection", window_days=7.5)
    assert (changed.detection.window_days, changed.detection.min_words) == (7.5, 5)


@pytest.mark.parametrize("days", [-1.0, float("nan"), float("inf"), 1e9])
def test_an_option_out_of_range_is_refused(days: Any) -> None:
    with pytest.raises(ConfigError, match=r"command line: detection\.window_days: Expected"):
        override(Config(), "detection", window_days=days)
