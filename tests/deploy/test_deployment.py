"""The files of deploy/: nginx before the service, the unit for systemd, the container; and what they ask for."""

import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml
from msgspec.structs import replace

from tests.conftest import RunService
from tests.exact_detector import wait_until
from wirecopy import Client, errors
from wirecopy.cli.commands import main
from wirecopy.config import Config
from wirecopy.web import notification
from wirecopy.web.http.access import client_of
from wirecopy.web.loading import Loading

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
NAME = "wirecopy.example"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that no system trusts; its key lies beside it."""
    folder = tmp_path_factory.mktemp("certificate")
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}",
         "-addext", f"subjectAltName=DNS:{NAME},IP:127.0.0.1", "-keyout", "own.key", "-out", "own.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return folder / "own.pem"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def nginx(folder: Path, certificate: Path, service_port: int) -> Iterator[str]:
    """Debian's nginx with our file, but for ports, names of files and a place of its own; yields its URL."""
    if NGINX is None:
        pytest.skip("nginx is not installed")
    port = free_port()
    ours = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    ours = ours.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
    ours = ours.replace("127.0.0.1:8080", f"127.0.0.1:{service_port}")
    ours = re.sub(r"/etc/ssl/wirecopy\.example\.(pem|key)", rf"{certificate.parent}/own.\1", ours)
    folders = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = " ".join(f"{name}_temp_path {folder}/{name};" for name in folders)
    user = "user root;" if os.geteuid() == 0 else ""  # who may write to the test's folder
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off; {paths}\n{ours}\n}}\n",
        encoding="utf-8",
    )
    command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with subprocess.Popen(command) as process:
        try:
            wait_until(lambda: process.poll() is not None or listens(port))
            assert process.poll() is None, (folder / "error.log").read_text(encoding="utf-8")
            yield f"https://127.0.0.1:{port}"
        finally:
            process.terminate()


def listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def behind_nginx(run_service: RunService, tmp_path: Path, certificate: Path) -> Iterator[str]:
    """The URL of an nginx before a service that counts requests by address, two at once and then one in a while."""
    web = replace(Config().web, hosts=["127.0.0.1"], proxies=["127.0.0.1"])
    service = run_service(replace(Config(), web=web))
    with nginx(tmp_path, certificate, service.port) as url:
        yield url


def test_push_goes_through_nginx_with_the_certificate_that_it_is_given(
    behind_nginx: str, certificate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    articles = tmp_path / "articles.jsonl"
    articles.write_text(
        "".join(f'{{"id": "a/{number}", "text": "Text {number}"}}\n' for number in range(2000)), encoding="utf-8"
    )
    assert main(["push", str(articles), "--to", behind_nginx, "--ca-file", str(certificate)]) == 0
    assert "2,000 articles" in capsys.readouterr().err
    with Client(behind_nginx, ca_file=str(certificate)) as client:
        assert client.article("a/7").text == "Text 7"  # %2F in the path arrives as it was sent
    with Client(behind_nginx) as client, pytest.raises(errors.ServiceUnreachable, match="certificate"):
        client.article("a/7")
    with pytest.raises(errors.UsageError, match="no certificates can be read"):
        Client(behind_nginx, ca_file=str(articles))


def test_large_bodies_and_event_streams_pass_nginx_as_they_come(behind_nginx: str, certificate: Path) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    with httpx.Client(base_url=behind_nginx, verify=trusting, trust_env=False, timeout=20) as client:
        assert client.put("/v1/articles/long", json={"text": "word " * 500_000}).status_code == 201  # 2.5 MB
        many = b"".join(b'{"id": "%d", "text": "%s"}\n' % (number, b"w" * 50_000) for number in range(800))
        assert (
            client.post("/v1/bulk", content=many, headers={"Content-Type": "application/x-ndjson"}).status_code == 200
        )
        with client.stream("GET", "/v1/events", headers={"Accept": "text/event-stream"}) as events:
            line = next(line for line in events.iter_lines() if line.startswith("data:"))  # nginx holds nothing back
    assert '"created"' in line


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        ("127.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "10.0.0.1, 198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("127.0.0.1", "nobody", "127.0.0.1"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("192.0.2.9", "198.51.100.7", "192.0.2.9"),
    ],
)
def test_only_a_proxy_of_ours_may_say_whose_address_it_is(remote: str, forwarded: str | None, address: str) -> None:
    assert client_of(remote, forwarded, ["127.0.0.1"]) == address


def test_addresses_behind_a_proxy_have_rates_of_their_own(run_service: RunService) -> None:
    auth = replace(Config().auth, address_rate_limit_per_second=0.001, address_rate_limit_burst=2)
    web = replace(Config().web, proxies=["127.0.0.1"])
    service = run_service(replace(Config(), auth=auth, web=web))
    with service.client() as client:

        def ask(address: str) -> int:
            return client.get("/v1/stories", headers={"X-Forwarded-For": f"10.9.9.9, {address}"}).status_code

        assert [ask("198.51.100.1") for _ in range(3)] == [200, 200, 429]
        assert ask("198.51.100.2") == 200


def test_the_supervisor_hears_what_is_done_and_when_articles_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        Loading().tell("replaying: 41 % of 9 records")
        assert supervisor.recv(4096) == b"STATUS=replaying: 41 % of 9 records\nEXTEND_TIMEOUT_USEC=120000000"
        notification.tell_ready()
        assert supervisor.recv(4096).startswith(b"READY=1\n")
        notification.tell_stopping()
        assert supervisor.recv(4096).startswith(b"STOPPING=1\n")
    notification.tell_ready()  # nobody listens any more: that is no reason to fail
    monkeypatch.setenv("NOTIFY_SOCKET", "")
    notification.tell_ready()


def test_the_unit_leaves_little_to_whoever_breaks_in() -> None:
    analyze = shutil.which("systemd-analyze")
    unit = (DEPLOY / "wirecopy.service").read_text(encoding="utf-8")
    assert "\nType=notify\n" in unit
    if analyze is None:
        pytest.skip("systemd is not installed")
    done = subprocess.run(
        [analyze, "security", "--offline=true", str(DEPLOY / "wirecopy.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Overall exposure level for wirecopy\.service: ([\d.]+)", done.stdout)
    if found is None:
        pytest.skip("this systemd cannot look at a unit that is not installed")
    assert float(found[1]) < 3


def test_the_container_runs_the_steps_that_ci_runs_as_nobody_and_asks_for_its_own_health() -> None:
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^RUN .*deploy/install\.sh /opt/wirecopy$", lines, re.MULTILINE)
    assert "deploy/install.sh" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"^USER wirecopy$", lines, re.MULTILINE)
    assert 'HEALTHCHECK --interval=10s --timeout=5s --start-period=120s CMD ["wirecopy", "health"]' in lines
    assert "[dev" not in (DEPLOY / "install.sh").read_text(encoding="utf-8")
    composed = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]["wirecopy"]
    assert composed["read_only"] is True
    assert (DEPLOY / composed["build"]["context"] / composed["build"]["dockerfile"]).is_file()
