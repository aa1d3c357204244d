"""Webhooks: what is delivered, how it is signed, what happens when a receiver is away, and where none may be."""

import asyncio
import json
import re
import signal
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunService, Stored
from tests.detector.test_erasure import bytes_in
from tests.exact_detector import ExactDetector, Service, wait_until
from tests.feed_reader import FeedReader
from tests.followers import SECRET, Receiver, is_signed, write_secret
from tests.streams import MemoryStore, small, stream
from tests.web.test_event_streams import metric
from tests.web.test_kill import Serving
from wirecopy import Article, Client, errors
from wirecopy.cli.commands import main
from wirecopy.config import Config, Webhook, Webhooks
from wirecopy.detector.detector import Detector
from wirecopy.detector.memory.records import RecordKind
from wirecopy.schema import wire
from wirecopy.storage import verify
from wirecopy.web.feed.targets import LoopbackResolver, read_targets
from wirecopy.web.feed.webhooks import pause_after, sign

ROOT = Path(__file__).parent.parent.parent
AT_ONCE: dict[str, Any] = {"first_retry_seconds": 0.001, "max_retry_seconds": 0.01, "timeout_seconds": 20.0}


def to(folder: Path, *urls: str, **options: Any) -> Config:
    """Settings with a webhook for each url, w0, w1 and so on, which are tried again at once."""
    of_each = {name: options.pop(name) for name in ("types", "begin") if name in options}
    secret = write_secret(folder)
    hooks = [Webhook(f"w{number}", url, secret, **of_each) for number, url in enumerate(urls)]
    return Config(webhooks=Webhooks(hooks, **{**AT_ONCE, **options}))


def put(service: Service | Serving, *names: str) -> None:
    with Client(service.url) as client:
        for name in names:
            client.put_article(Article(name, "One two three."))


def delivered(service: Service, name: str = "w0") -> float:
    return metric(service, f'wirecopy_webhook_deliveries_total{{outcome="delivered",webhook="{name}"}}')


def failed(service: Service, name: str = "w0") -> float:
    return metric(service, f'wirecopy_webhook_deliveries_total{{outcome="failed",webhook="{name}"}}')


def lag(service: Service, name: str = "w0") -> float:
    return metric(service, f'wirecopy_webhook_lag_events{{webhook="{name}"}}')


def test_deliveries_hold_the_feed_in_order_and_are_signed(stored: Stored, tmp_path: Path) -> None:
    with Receiver() as receiver:
        service, applied = stored(to(tmp_path, receiver.url)), FeedReader()
        with Client(service.url) as client:
            list(client.bulk(stream(40)))
            newest = client.events(limit=10_000).next
            wait_until(lambda: receiver.seqs()[-1:] == [newest])
            with service.client() as plain:
                assert receiver.taken == plain.get("/v1/events?limit=10000").json()["events"]
            applied.apply(wire.Event(**event) for event in receiver.taken)
            stories = {s.id: (s.canonical, frozenset(m.id for m in s.members)) for s in client.stories()}
        assert applied.stories() == stories
        after = 0
        for (path, headers, body), raw in zip(receiver.requests, receiver.bodies, strict=True):
            assert path == "/hook"
            assert headers["Content-Type"] == "application/json"
            assert headers["Wirecopy-Webhook"] == "w0"
            assert is_signed(headers["Wirecopy-Signature"], raw)
            assert not is_signed(headers["Wirecopy-Signature"], raw + b" ")
            assert [event["seq"] for event in body["events"]] == list(range(after + 1, body["next"] + 1))
            after = body["next"]
        wait_until(lambda: lag(service) == 0)
        assert delivered(service) == len(receiver.requests)
        assert failed(service) == 0


def test_the_signature_is_what_the_documentation_verifies() -> None:
    [block] = re.findall(
        r"```python\n(import hashlib.*?)```", (ROOT / "docs" / "http-api.md").read_text(encoding="utf-8"), re.DOTALL
    )
    names: dict[str, Any] = {}
    exec(compile(block, "http-api.md", "exec"), names)
    body = '{"events": [], "next": 7, "é": 1}'.encode()
    header = sign(SECRET.encode(), 1_731_000_000, body)
    assert header.startswith("t=1731000000,v1=")
    assert is_signed(header, body)
    verify_delivery = names["is_genuine"]
    assert verify_delivery(SECRET.encode(), header, body, now=1_731_000_100)
    assert not verify_delivery(SECRET.encode(), header, body, now=1_731_001_000)
    assert not verify_delivery(SECRET.encode(), header, body + b" ", now=1_731_000_100)
    assert not verify_delivery(b"another", header, body, now=1_731_000_100)
    assert not verify_delivery(SECRET.encode(), header.replace("t=1731000000", "t=1731000050"), body, now=1_731_000_100)


def test_only_the_wanted_types_are_delivered_and_the_place_goes_on_without(stored: Stored, tmp_path: Path) -> None:
    with Receiver() as receiver:
        service = stored(to(tmp_path, receiver.url, types=["deleted"]))
        put(service, "a", "b", "c")
        with Client(service.url) as client:
            client.delete_article("c")
            newest = client.events().next
        wait_until(lambda: receiver.taken)
        assert [(event["type"], event["article"]) for event in receiver.taken] == [("deleted", "c")]
        wait_until(lambda: lag(service) == 0)
        assert receiver.requests[-1][2]["next"] == newest


def test_what_fails_is_tried_again_in_order_until_it_is_taken(stored: Stored, tmp_path: Path) -> None:
    with Receiver() as receiver:
        receiver.answers = [500, 404, 0, 503, 302, 307, 199 + 101, 200]
        service = stored(to(tmp_path, receiver.url))
        put(service, "a", "b")
        wait_until(lambda: receiver.seqs() == [1, 2])
        assert {path for path, *_ in receiver.requests} == {"/hook"}  # no redirect was followed
        wait_until(lambda: failed(service) == 7)
        put(service, "c")
        wait_until(lambda: receiver.seqs() == [1, 2, 3])
        failures = [line for line in service.log() if line["event"] == "webhook failed"]
        assert [line["pause"] for line in failures[:5]] == [0.001, 0.002, 0.004, 0.008, 0.01]
        assert failures[0]["reason"].startswith("500 ")
        assert failures[0]["webhook"] == "w0"


def test_a_receiver_that_is_away_gets_all_of_it_when_it_comes(stored: Stored, tmp_path: Path) -> None:
    with Receiver() as receiver:
        port = receiver.port
    service = stored(to(tmp_path, f"http://localhost:{port}/hook"))
    put(service, "a", "b", "c")
    wait_until(lambda: failed(service) >= 3)
    wait_until(lambda: lag(service) == 3)
    with Receiver(port) as receiver:
        wait_until(lambda: receiver.seqs() == [1, 2, 3])
    reasons = [line["reason"] for line in service.log() if line["event"] == "webhook failed"]
    assert reasons[0].startswith(f"Cannot connect to host localhost:{port}")


def test_a_receiver_that_hangs_fails_and_holds_up_neither_the_others_nor_the_service(
    stored: Stored, tmp_path: Path
) -> None:
    with Receiver() as hanging, Receiver() as other:
        hanging.gate.clear()
        service = stored(to(tmp_path, hanging.url, other.url, timeout_seconds=0.2))
        put(service, "a", "b")
        wait_until(lambda: other.seqs() == [1, 2])
        wait_until(lambda: failed(service) >= 2)
        assert (delivered(service), lag(service), lag(service, "w1")) == (0, 2, 0)
        hanging.gate.set()
        wait_until(lambda: set(hanging.seqs()) == {1, 2})


def test_places_survive_a_restart_and_a_stop_waits_for_what_is_under_way(stored: Stored, tmp_path: Path) -> None:
    with Receiver() as receiver:
        config = to(tmp_path, receiver.url)
        for number in range(3):
            service = stored(config)
            put(service, f"a{number}", f"b{number}")
            wait_until(lambda number=number: receiver.seqs()[-1:] == [2 * number + 2])  # type: ignore[misc]
            service.stop()
            service.wait_stopped()
        assert receiver.seqs() == [1, 2, 3, 4, 5, 6], "nothing was told twice"
        service = stored()  # without the webhook
        put(service, "c")
        service.stop()
        service.wait_stopped()
        stored(config)
        wait_until(lambda: receiver.seqs() == [1, 2, 3, 4, 5, 6, 7])
    assert verify(tmp_path / "data").problems == ()


def test_nothing_is_lost_when_the_service_is_killed_and_only_the_last_comes_twice(tmp_path: Path) -> None:
    with Receiver() as receiver:
        settings = tmp_path / "settings.yaml"
        hook = {"name": "w0", "url": receiver.url, "secret_file": write_secret(tmp_path)}
        settings.write_text(json.dumps({"webhooks": {"to": [hook], "first_retry_seconds": 0.01}}), encoding="utf-8")
        folder = tmp_path / "data"
        for number in range(3):
            service = Serving(folder, "--config", str(settings))
            put(service, *(f"a{number}-{k}" for k in range(5)))
            if number != 1:
                wait_until(lambda number=number: receiver.seqs()[-1:] == [5 * number + 5])  # type: ignore[misc]
            assert service.end(signal.SIGKILL) == -signal.SIGKILL
        service = Serving(folder, "--config", str(settings))
        put(service, "last")
        wait_until(lambda: receiver.seqs()[-1:] == [16])
        assert service.end(signal.SIGTERM) == 0
        seqs = receiver.seqs()
        assert sorted(set(seqs)) == list(range(1, 17))
        firsts = [seq for place, seq in enumerate(seqs) if seq not in seqs[:place]]
        assert firsts == sorted(firsts), "in order"
        service = Serving(folder, "--config", str(settings))
        put(service, "after")
        wait_until(lambda: receiver.seqs()[-1:] == [17])
        assert service.end(signal.SIGTERM) == 0
        assert receiver.seqs() == [*seqs, 17], "a stop leaves nothing to be told twice"


def test_a_webhook_begins_with_the_oldest_event_or_behind_the_newest(stored: Stored, tmp_path: Path) -> None:
    service = stored()
    put(service, "a", "b")
    service.stop()
    service.wait_stopped()
    with Receiver() as receiver:
        service = stored(to(tmp_path, receiver.url, begin="newest"))
        wait_until(lambda: service.app.webhooks.lags())
        put(service, "c")
        wait_until(lambda: receiver.seqs() == [3])
        service.stop()
        service.wait_stopped()
    with Receiver() as receiver:
        hooks = to(tmp_path, "http://localhost:9/old", receiver.url, begin="oldest")
        stored(hooks)
        wait_until(lambda: receiver.seqs() == [1, 2, 3])


def pruned(*names: str) -> Detector:
    """A Detector whose first two events are not kept any more."""
    detector = Detector()
    detector.ingest([Article("old", "Once there was a harbour."), Article("older", "Twice there were two.")], 1)
    detector.prune(10**13)
    detector.ingest([Article(name, f"Now there is {name}.") for name in names], 10**13)
    return detector


@pytest.mark.parametrize("types", [[], ["deleted"]])
def test_who_is_behind_what_is_kept_is_told(run_service: RunService, tmp_path: Path, types: Sequence[str]) -> None:
    with Receiver() as receiver:
        receiver.answers = [500]
        service = run_service(to(tmp_path, receiver.url, types=types), detector=pruned("new"))
        wait_until(lambda: len(receiver.requests) == 2)
        bodies = [body for *_, body in receiver.requests]
        assert [body["missed_until"] for body in bodies] == [2, 2], "until it is taken"
        assert [event["seq"] for event in bodies[1]["events"]] == ([] if types else [3])
        assert bodies[1]["next"] == 3
        assert metric(service, 'wirecopy_webhook_missed_events_total{webhook="w0"}') == 2
        [line] = [line for line in service.log() if line["event"] == "webhook missed events"]
        assert (line["webhook"], line["after"], line["until"]) == ("w0", 0, 2)
        with Client(service.url) as client:
            client.put_article(Article("newer", "And one more."))
            client.delete_article("newer")
        wait_until(lambda: receiver.requests[-1][2]["next"] == 5)
        assert all("missed_until" not in body for *_, body in receiver.requests[2:])


def test_who_is_behind_an_empty_feed_is_told_at_once(run_service: RunService, tmp_path: Path) -> None:
    with Receiver() as receiver:
        run_service(to(tmp_path, receiver.url), detector=pruned())
        wait_until(lambda: receiver.requests)
        assert receiver.requests[0][2] == {"events": [], "next": 2, "missed_until": 2}


def test_a_notice_that_was_not_taken_survives_a_restart(run_service: RunService, tmp_path: Path) -> None:
    detector = pruned("new")
    with Receiver() as receiver:
        url = receiver.url
    service = run_service(to(tmp_path, url), detector=detector)
    wait_until(lambda: failed(service) >= 2)
    service.stop()
    service.wait_stopped()
    assert detector.positions() == {"w0": 0}
    with Receiver(int(url.split(":")[2].split("/")[0])) as receiver:
        run_service(to(tmp_path, url), detector=detector)
        wait_until(lambda: receiver.requests)
        assert receiver.requests[0][2]["missed_until"] == 2
        wait_until(lambda: detector.positions() == {"w0": 3})


def test_nothing_of_an_erased_article_waits_for_a_receiver(stored: Stored, tmp_path: Path) -> None:
    with Receiver() as receiver:
        receiver.answers = [503] * 10_000
        service = stored(to(tmp_path, receiver.url))
        with Client(service.url) as client:
            secret = {"id": "private-1", "title": "Sekrettitel", "text": "Sekretwort stands in this text alone."}
            client.put_article(secret)
            client.put_article({"id": "copy-1", "text": "Sekretwort stands in this text alone. It is a copy."})
            wait_until(lambda: receiver.requests)
            client.delete_article("private-1")
            client.delete_article("copy-1")
            client.compact()
        assert b"sekret" not in bytes_in(tmp_path / "data").lower()
        receiver.answers = []
        wait_until(lambda: [event["type"] for event in receiver.taken[-1:]] == ["deleted"])
        assert all(b"sekret" not in body.lower() for body in receiver.bodies)
        service.stop()
        service.wait_stopped()


def test_places_are_one_record_that_replaces_the_one_before() -> None:
    store = MemoryStore()
    detector = Detector(small(), store)  # type: ignore[arg-type]
    detector.ingest([Article("a", "One two three.")], 1)
    detector.place({"x": 1})
    detector.place({"y": 1})
    detector.place({"x": 2})
    kinds = [record.kind for record in store.replay()]
    assert kinds.count(RecordKind.POSITIONS) == 1
    again = Detector(small(), store)  # type: ignore[arg-type]
    assert again.positions() == detector.positions() == {"x": 2, "y": 1}
    again.place({"z": 0})
    assert [record.kind for record in store.replay()].count(RecordKind.POSITIONS) == 1


def test_the_pauses_double_up_to_the_longest() -> None:
    settings = Webhooks()
    pauses = [pause_after(failures, settings) for failures in range(1, 13)]
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert pause_after(10**6, settings) == 300


REFUSED = [
    ("http://192.0.2.1/hook", "to[0].url: '192.0.2.1' is not this machine"),
    ("http://[2001:db8::1]/hook", "to[0].url: '2001:db8::1' is not this machine"),
    ("http://[::ffff:192.0.2.1]/", "is not this machine"),
    ("http://0.0.0.0:8000/", "'0.0.0.0' is not this machine"),
    ("http://169.254.169.254/latest", "'169.254.169.254' is not this machine"),
    ("http://nowhere.invalid/", "'nowhere.invalid' is not this machine"),
    ("http://elsewhere.example/", "'elsewhere.example' is not this machine"),
    ("http://both.example/", "'both.example' is not this machine"),
    ("ftp://localhost/x", "is no URL of http or https"),
    ("localhost:80", "is no URL of http or https"),
    ("http://user:pass@localhost/", "must not hold a name or password"),
    ("http://localhost:99999/", "is no URL"),
]


def resolve(host: str, *arguments: Any, **options: Any) -> list[Any]:
    """Stands in for the system's answers."""
    found = {
        "localhost": ["127.0.0.1", "::1"],
        "elsewhere.example": ["192.0.2.7"],
        "both.example": ["127.0.0.1", "192.0.2.7"],
        "here.example": ["127.0.0.1"],
    }.get(host)
    if found is None:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in found]


@pytest.mark.parametrize(("url", "sentence"), REFUSED)
def test_a_host_that_is_neither_this_machine_nor_listed_is_refused(
    url: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(errors.ConfigError) as refusal:
        read_targets(to(tmp_path, url).webhooks)
    assert sentence in str(refusal.value)
    assert str(refusal.value).startswith("configuration: webhooks.to[0].url: ")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://192.0.2.1/hook", "192.0.2.1"),
        ("https://Hooks.Example:8443/x?y=1", "hooks.example"),
        ("http://bücher.example/", "BÜCHER.example"),
        ("http://[2001:db8::1]/", "2001:db8::1"),
        ("http://[2001:db8::1]/", "[2001:db8::1]"),
        ("http://127.8.9.1/", None),
        ("http://[::1]/", None),
        ("http://localhost/", None),
        ("http://here.example/", None),
    ],
)
def test_listed_hosts_and_this_machine_are_allowed(
    url: str, host: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    config = to(tmp_path, url, allowed_hosts=[] if host is None else [host])
    [target] = read_targets(config.webhooks)
    assert (target.name, target.secret) == ("w0", SECRET.encode())


@pytest.mark.parametrize(
    "host", ["http://hooks.example", "hooks.example:80", "a/b", "", "user@h", "h?x", "h#x", "a b", "[x:1]"]
)
def test_what_is_no_host_cannot_be_listed(host: str, tmp_path: Path) -> None:
    with pytest.raises(errors.ConfigError, match=r"webhooks\.allowed_hosts\[0\]: .* is no host"):
        read_targets(to(tmp_path, "http://localhost/", allowed_hosts=[host]).webhooks)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"secret_file": "absent"}, r"webhooks\.to\[1\]\.secret_file: absent cannot be read: No such file"),
        ({"types": ["joined", "gone"]}, r"webhooks\.to\[1\]\.types: no event has the type 'gone'; created, "),
        ({"name": "one"}, r"webhooks\.to\[1\]\.name: 'one' is given twice"),
        ({"url": "http://192.0.2.1/"}, r"webhooks\.to\[1\]\.url: "),
    ],
)
def test_a_wrong_webhook_ends_the_start_with_one_sentence(
    change: dict[str, Any], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.setattr("wirecopy.cli.service._open_detector", lambda config, accept_loss, loading: ExactDetector())
    hook = {"url": "http://localhost/", "secret_file": write_secret(tmp_path)}
    hooks = [{**hook, "name": "one"}, {**hook, "name": "two", **change}]
    settings = tmp_path / "settings.yaml"
    settings.write_text(json.dumps({"webhooks": {"to": hooks}}), encoding="utf-8")
    assert main(["serve", "--port", "0", "--config", str(settings)]) == 2
    assert re.search(f"^wirecopy: configuration: {sentence}", capfd.readouterr().err, re.MULTILINE)


def test_a_short_secret_is_refused(tmp_path: Path) -> None:
    config = to(tmp_path, "http://localhost/")
    Path(config.webhooks.to[0].secret_file).write_text("fifteen chars.. \n", encoding="utf-8")
    with pytest.raises(errors.ConfigError, match="must hold 16 characters or more"):
        read_targets(config.webhooks)


async def test_a_name_that_leads_elsewhere_later_is_not_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    answers = {"name.example": "127.0.0.1"}

    async def getaddrinfo(host: str, port: int, **options: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers[host], port))]

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
    resolver = LoopbackResolver(frozenset({"listed.example"}))
    [found] = await resolver.resolve("name.example", 80)
    assert found["host"] == "127.0.0.1"
    answers |= {"name.example": "192.0.2.7", "listed.example": "192.0.2.8"}
    with pytest.raises(OSError, match=r"name\.example leads to another machine"):
        await resolver.resolve("name.example", 80)
    [found] = await resolver.resolve("listed.example", 80)
    assert found["host"] == "192.0.2.8"
