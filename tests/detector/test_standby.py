"""A standby: what it holds is what the writer holds, whatever the writer does, and it goes on when that is gone."""

import random
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bench import failover
from tests.exact_detector import wait_until
from tests.postgres_server import PostgresServer, running
from tests.streams import image, small, stream
from wirecopy import errors
from wirecopy.detector.detector import SCHEME, Detector
from wirecopy.detector.standby import Standby
from wirecopy.storage import open_followed, open_store, where
from wirecopy.web.standby import LogFollower, Role

HOUR = 3_600_000


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running() as server:
        yield server


def write(detector: Detector, chance: random.Random, articles: list[Any], at: int) -> int:
    """Something that a service may do; -> the moment after it."""
    now = at + chance.choice((0, HOUR, 40 * HOUR))
    known = [article.id for article in articles if article.id in detector._archive.number_of]
    stories = [detector.article(article_id).story for article_id in known]
    match chance.randrange(8):
        case 0 if known:
            detector.erase(chance.choice(known), now)
        case 1:
            detector.prune(now)
        case 2 if len(set(stories)) > 1:
            one, other = chance.sample(sorted(set(stories)), 2)
            with suppress(errors.Pinned, errors.UnknownStory):
                detector.merge(one, other, now)
        case 3:
            detector.place({"hook": detector.last_event})
        case 4:
            detector.clear_boilerplate("source 1", now)
        case _:
            begin = chance.randrange(len(articles))
            detector.ingest(articles[begin : begin + chance.randrange(1, 60)], first_seen=now)
    return now


def follow(standby: Standby, most: int) -> None:
    while standby.follow(most):
        pass


@given(st.integers(0, 2**32), st.integers(1, 40))
@settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_what_was_followed_step_by_step_is_what_is_read_as_a_whole(
    server: PostgresServer, seed: int, most: int
) -> None:
    config, chance, articles = small(retention_days=20.0), random.Random(seed), stream(240, seed % 7)
    place = where(server.database())
    writer = Detector(config, open_store(place, scheme=SCHEME))
    standby = Standby(config, open_followed(place, scheme=SCHEME))
    now = 0
    for _ in range(25):
        now = write(writer, chance, articles, now)
        if chance.random() < 0.6:
            follow(standby, most)
    follow(standby, most)
    writer.close()
    whole = Standby(config, open_followed(place, scheme=SCHEME))
    assert image(standby) == image(whole)  # type: ignore[arg-type]
    assert standby.claim()
    heir = standby.take_over(None)
    whole.close()
    heir.ingest(articles[:40], first_seen=now + HOUR)
    heir.prune(now + HOUR)
    stories = {article: heir.article(article).story for article in heir._archive.number_of}
    heir.close()
    again = Detector(config, open_store(place, scheme=SCHEME))
    assert {article: again.article(article).story for article in again._archive.number_of} == stories
    again.close()


def test_the_writer_is_killed_under_load_and_nothing_is_lost(server: PostgresServer, tmp_path: Path) -> None:
    takeovers = failover.run(server, tmp_path, rounds=3, articles=0)
    assert len(takeovers) == 3
    assert sum(takeover.acknowledged for takeover in takeovers) > 0
    assert max(takeover.seconds for takeover in takeovers) < 20  # alone on its machine: below 1; see the benchmark


def test_a_standby_answers_as_of_a_record_and_leads_writers_on(server: PostgresServer, tmp_path: Path) -> None:
    store = server.database()
    with failover.Serving(store, tmp_path) as writer:
        failover.wait_ready(writer.url, "writer")
        with failover.Serving(store, tmp_path) as standby:
            failover.wait_ready(standby.url, "standby")
            answers_as_of_a_record(writer, standby)
            writer.end(signal.SIGKILL)
            wait_until(lambda: failover.get(standby.url, "/readyz?role=writer")[0] == 200, 60)
            assert failover.put(
                standby.url, "b", b'{"text": "A second article that comes after the first writer is gone."}'
            )
            assert standby.end() == 0


def answers_as_of_a_record(writer: failover.Serving, standby: failover.Serving) -> None:
    verdict = failover.put(writer.url, "a", b'{"text": "The harbour bridge was closed to all traffic on Monday."}')
    assert verdict is not None
    wait_until(lambda: failover.get(standby.url, "/v1/articles/a")[0] == 200, 60)
    _, headers, stored = failover.get(standby.url, "/v1/articles/a")
    assert stored["story"] == verdict["story"]
    assert int(headers["wirecopy-as-of"]) >= 2
    assert "wirecopy-as-of" not in failover.get(writer.url, "/v1/articles/a")[1]
    assert failover.get(writer.url, "/readyz?role=writer")[0] == 200
    status, _, problem = failover.get(standby.url, "/readyz?role=writer")
    assert (status, problem["type"]) == (503, "/docs#not-writer")
    wait_until(lambda: leads_to(standby.url) == f"{writer.url}/v1/articles/b%2Fc?x=1", 60)
    assert failover.get(standby.url, "/v1/events?after=0")[2]["events"]
    logs = [failover.get(each.url, "/v1/log?texts=true")[2] for each in (writer, standby)]
    assert logs[0]["rows"] == logs[1]["rows"] != []


def leads_to(url: str) -> str | None:
    """Where a standby sends a writer."""
    answer = httpx.put(f"{url}/v1/articles/b%2Fc?x=1", json={"text": "x"})
    return answer.headers.get("Location") if answer.status_code == 307 else None


def test_a_standby_outlives_a_restart_of_the_database_and_goes_on(tmp_path: Path) -> None:
    with running() as server:
        place = where(server.database())
        writer = Detector(small(), open_store(place, scheme=SCHEME))
        writer.ingest(stream(20), first_seen=HOUR)
        standby = Standby(small(), open_followed(place, scheme=SCHEME))
        follower = LogFollower(standby, Role())
        server.stop(signal.SIGQUIT)
        follower.step()
        follower.step()
        assert not follower.claims()
        server.start()
        writer.close()

        def claims() -> bool:
            follower.step()
            return follower.claims()

        wait_until(claims, seconds=30)
        heir = follower.take_over("http://here")
        assert heir.ingest(stream(21)[20:], first_seen=2 * HOUR)
        heir.close()


def test_a_standby_ends_where_the_log_is_another_one(server: PostgresServer) -> None:
    """As after a promotion elsewhere: what it has read, and others may have heard of, is not there."""
    address = server.database()
    place = where(address)
    writer = Detector(small(), open_store(place, scheme=SCHEME))
    writer.ingest(stream(30), first_seen=HOUR)
    standby = Standby(small(), open_followed(place, scheme=SCHEME))
    writer.close()
    name = urlsplit(address).path[1:]
    last = server.run("SELECT number, encode(chain, 'hex') FROM wirecopy.records WHERE number = 20", name)[0]
    server.run("DELETE FROM wirecopy.records WHERE number > 20", name)
    server.run(f"UPDATE wirecopy.writer SET number = 20, chain = '\\x{last[1]}'", name)
    with pytest.raises(errors.Damaged, match="another one than before"):
        standby.follow()
    assert standby.claim()
    with pytest.raises(errors.TailLost, match="was read and is not there"):
        standby.take_over(None)
    standby.close()
