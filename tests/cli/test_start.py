"""A start: what is wrong is told at once, the service listens before it loads, and says what it is doing."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.conftest import RunService
from tests.exact_detector import ExactDetector, wait_until
from wirecopy.cli.commands import main
from wirecopy.config import Config
from wirecopy.detector.detector import SCHEME, Detector
from wirecopy.schema.article import Article
from wirecopy.storage import Pipeline, Store
from wirecopy.web.loading import Loading, LoadingStopped

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Of a machine that has never compiled anything."""
    (tmp_path / "home").mkdir()
    kept = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT / 'service'}:{ROOT}", "HOME": str(tmp_path / "home")}
    return kept | {"TMPDIR": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def starting(environment: dict[str, str], *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A service in a process of its own, and where it will listen."""
    port = free_port()
    command = [sys.executable, "-m", "wirecopy", "serve", "--port", str(port), *options]
    with subprocess.Popen(
        command, env=environment, cwd=environment["TMPDIR"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def ask(url: str) -> httpx.Response | None:
    try:
        return httpx.get(url, timeout=20, trust_env=False, verify=False)
    except httpx.ConnectError:
        return None


def test_a_service_that_must_compile_answers_while_it_does_and_stops_when_it_is_told(
    environment: dict[str, str],
) -> None:
    with starting(environment) as (process, url):
        wait_until(lambda: ask(f"{url}/livez"), 30)
        answer = ask(f"{url}/livez")
        assert answer is not None
        assert answer.status_code == 200
        told: list[str] = []

        def is_compiling() -> bool:
            ready = ask(f"{url}/readyz")
            assert ready is not None
            assert ready.status_code == 503
            told.append(ready.json()["detail"])
            return re.fullmatch(r"the service is compiling kernels: \d+ of \d+", told[-1]) is not None

        wait_until(is_compiling, 60)
        process.send_signal(signal.SIGTERM)
        _, logged = process.communicate(timeout=60)
        assert process.returncode == 0, logged
    assert len(re.findall(r"event=kernels .*compiling kernels for this processor", logged)) == 1, logged
    assert "event=listening" in logged.splitlines()[0]
    assert "Traceback" not in logged


@pytest.mark.parametrize(
    ("options", "variables", "told"),
    [
        (["--config", "absent.yaml"], {}, "absent.yaml: cannot be read: No such file or directory"),
        (["--config", "."], {}, ".: cannot be read: Is a directory"),
        (["--port", "70000"], {}, "command line: service.port: Expected `int` <= 65535"),
        (
            [],
            {"WIRECOPY_SERVICE__PROT": "1"},
            "environment: WIRECOPY_SERVICE__PROT: is no setting",
        ),
        ([], {"WIRECOPY_DETECTION__MODEL": "absent"}, "detection.model: absent: cannot be read"),
        (["--host", "0.0.0.0"], {}, "refusing to listen on 0.0.0.0 without keys"),
    ],
)
def test_a_wrong_setting_is_told_in_one_sentence_in_under_a_second_of_processor_time(
    environment: dict[str, str], options: list[str], variables: dict[str, str], told: str
) -> None:
    before = os.times()
    with starting(environment | variables, *options) as (process, _):
        printed, logged = process.communicate(timeout=60)
        assert process.returncode == 2
    after = os.times()
    assert printed == ""
    assert logged.startswith(f"wirecopy: {told}")
    assert logged.count("\n") == 1
    assert after.children_user + after.children_system - before.children_user - before.children_system < 1.0
    assert not list(Path(environment["TMPDIR"]).rglob("*.kernel"))


def test_a_taken_port_is_told_before_anything_is_loaded(environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with starting(environment, "--port", str(port)) as (process, _):
            _, logged = process.communicate(timeout=60)
    assert process.returncode == 2
    assert logged == f"wirecopy: cannot listen on 127.0.0.1:{port}: address already in use\n"


def test_replay_tells_how_far_it_is_and_can_be_broken_off(tmp_path: Path) -> None:
    with_articles = Detector(Config(), Store.open(tmp_path, scheme=SCHEME))
    with_articles.ingest([Article(str(number), f"Text {number} of some words.") for number in range(50)])
    with_articles.close()
    told: list[tuple[int, int]] = []
    Detector(Config(), Pipeline(Store.open(tmp_path, scheme=SCHEME), lambda done, of: told.append((done, of)))).close()
    assert told[0][0] == 1
    assert told[0][1] >= 50
    loading = Loading()
    loading.stop()
    store = Store.open(tmp_path, scheme=SCHEME)
    with pytest.raises(LoadingStopped):
        Detector(Config(), Pipeline(store, lambda done, of: loading.tell("replaying")))
    store.close()


def test_health_says_what_the_service_does(
    run_service: RunService, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()

    def open_detector() -> ExactDetector:
        assert gate.wait(30)
        return ExactDetector()

    service = run_service(open_detector=open_detector)
    monkeypatch.setenv("WIRECOPY_SERVICE__PORT", str(service.port))
    assert main(["health"]) == 3
    assert capsys.readouterr().err == "the service is loading\n"
    gate.set()
    service.wait_ready()
    assert main(["health"]) == 0
    assert capsys.readouterr().out == "ready\n"
    monkeypatch.setenv("WIRECOPY_SERVICE__PORT", str(free_port()))
    assert main(["health"]) == 3
    assert "no service answers on 127.0.0.1:" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["verify", "backup", "compact"])
def test_commands_that_only_look_after_data_need_no_kernels(command: str, tmp_path: Path) -> None:
    Store.open(tmp_path / "data", scheme=SCHEME).close()
    target = [str(tmp_path / "copy.db")] if command == "backup" else []
    code = "import sys; from wirecopy.cli.commands import main; code = main(sys.argv[1:]);"
    code += "print(code, *sorted({'numba', 'numpy', 'scipy', 'datasketch'} & set(sys.modules)))"
    arguments = [command, *target, "--data", str(tmp_path / "data")]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0"


def test_serve_loads_neither_scipy_nor_datasketch(environment: dict[str, str], tmp_path: Path) -> None:
    code = """
import os, signal, sys, threading
from wirecopy.cli import service
from wirecopy.web.loading import Loading
from wirecopy.config import Config
from wirecopy.config import override
service._open_detector(override(Config(), "service", data=sys.argv[1]), False, Loading()).close()
print("numba" in sys.modules, "scipy" in sys.modules, "datasketch" in sys.modules)
import scipy
"""
    own = {name: value for name, value in environment.items() if name not in ("NUMBA_CACHE_DIR", "HOME")}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "data")],
        env=own | {"HOME": os.path.expanduser("~")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["True", "False", "False"], done.stderr


def test_what_listens_is_loaded_without_the_compiler() -> None:
    code = "import sys, wirecopy.web.serve; print(*sorted({'numba', 'scipy', 'datasketch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
