"""Settings: defaults, a file over them, and messages that say what to do."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from wirecopy.cli.commands import main
from wirecopy.config import Config, gather, load, override, variable_of
from wirecopy.errors import ConfigError

ROOT = Path(__file__).parent.parent.parent
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


def test_a_variable_wins_over_the_file_and_an_option_over_both(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("service: {port: 1, host: a}", encoding="utf-8")
    found = gather(file, {"WIRECOPY_SERVICE__PORT": "9000", "PATH": "/bin"})
    assert (found.config.service.port, found.config.service.host) == (9000, "a")
    assert found.origins["service.port"] == "WIRECOPY_SERVICE__PORT"
    assert found.origins["service.host"] == str(file)
    assert found.origins["service.data"] == "default"
    assert override(found.config, "service", port=2).service.port == 2


@pytest.mark.parametrize(
    ("section", "name", "text", "value"),
    [
        ("service", "data", "8080", "8080"),
        ("service", "host", "[::1]", "[::1]"),
        ("service", "keep_text", "false", False),
        ("service", "index_days", "null", None),
        ("service", "index_days", "7.5", 7.5),
        ("detection", "min_odds", "-1.25", -1.25),
        ("detection", "model", "null", None),
        ("detection", "model", "/models/own.json", "/models/own.json"),
        ("stories", "preferred_sources", '["Новости", "8"]', ["Новости", "8"]),
        ("stories", "preferred_sources", "- a\n- b: c\n", None),
        ("auth", "anonymous", "[read]", ["read"]),
    ],
)
def test_a_variable_has_the_type_of_its_setting(section: str, name: str, text: str, value: Any) -> None:
    environment = {variable_of(section, name): text}
    if text.startswith("- "):
        with pytest.raises(ConfigError, match="environment: WIRECOPY_STORIES__PREFERRED_SOURCES: Expected"):
            load(None, environment)
        return
    assert getattr(getattr(load(None, environment), section), name) == value


def test_every_setting_has_a_variable_of_its_own() -> None:
    sections = msgspec.to_builtins(Config())
    names = [variable_of(section, name) for section, settings in sections.items() for name in settings]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("WIRECOPY_[A-Z0-9]+__[A-Z0-9_]+", name) for name in names)
    for section, settings in sections.items():
        for name, value in settings.items():
            text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
            assert load(None, {variable_of(section, name): text}) == Config(), name


def test_keys_come_as_hashes_in_a_variable_or_in_a_file_of_secrets(tmp_path: Path) -> None:
    keys = f'[{{"name": "desk", "sha256": "{"0" * 64}"}}]'
    file = tmp_path / "keys"
    file.write_text(f"- name: desk\n  sha256: '{'0' * 64}'\n", encoding="utf-8")
    given = load(None, {"WIRECOPY_AUTH__KEYS": keys}).auth.keys
    assert given == load(None, {"WIRECOPY_AUTH__KEYS_FILE": str(file)}).auth.keys
    assert given[0].name == "desk"
    with pytest.raises(ConfigError, match=r"WIRECOPY_AUTH__KEYS_FILE: .*absent cannot be read: No such file"):
        load(None, {"WIRECOPY_AUTH__KEYS_FILE": str(tmp_path / "absent")})


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [
        ("WIRECOPY_SERVICE__PROT", "WIRECOPY_SERVICE__PORT"),
        ("WIRECOPY_SERVICE_DATA", "WIRECOPY_SERVICE__DATA"),
        ("WIRECOPY_AUTH_KEYS", "WIRECOPY_AUTH__KEYS"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest_name(variable: str, nearest: str) -> None:
    with pytest.raises(ConfigError, match=f"^environment: {variable}: is no setting; the nearest name is {nearest}$"):
        load(None, {variable: "1"})


def test_variables_of_commands_and_those_that_kubernetes_sets_are_no_settings() -> None:
    others = ("WIRECOPY_KEY", "WIRECOPY_CONFIG", "WIRECOPY_SERVICE_HOST", "WIRECOPY_SERVICE_PORT")
    of_ports = ("WIRECOPY_SERVICE_PORT_HTTP", "WIRECOPY_PORT", "WIRECOPY_PORT_8080_TCP_ADDR")
    assert load(None, dict.fromkeys(others + of_ports, "tcp://10.0.0.1:8080")) == Config()


@pytest.mark.parametrize(("text", "expectation"), [("many", "Expected `int`"), ("70000", "Expected `int` <= 65535")])
def test_a_variable_out_of_range_is_refused_by_its_name(text: str, expectation: str) -> None:
    with pytest.raises(ConfigError, match=f"^environment: WIRECOPY_SERVICE__PORT: {expectation}"):
        load(None, {"WIRECOPY_SERVICE__PORT": text})


def test_the_command_config_prints_yaml_that_can_be_given_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIRECOPY_STORIES__PREFERRED_SOURCES", '["a: b #"]')
    assert main(["config"]) == 0
    printed = capsys.readouterr().out
    assert '  preferred_sources: ["a: b #"]  # WIRECOPY_STORIES__PREFERRED_SOURCES\n' in printed
    assert "  port: 8080  # default\n" in printed
    assert load_text(tmp_path, printed).stories.preferred_sources == ["a: b #"]
    assert main(["config", "--check"]) == 0
    assert capsys.readouterr().out == ""
    monkeypatch.setenv("WIRECOPY_DETECTION__MODEL", str(tmp_path / "absent.json"))
    assert main(["config", "--check"]) == 2
    assert (
        capsys.readouterr().err
        == f"wirecopy: detection.model: {tmp_path / 'absent.json'}: cannot be read: No such file or directory\n"
    )
