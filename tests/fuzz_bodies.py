"""`make fuzz`: arbitrary bodies to every route that takes one, for a minute or as long as the first argument says.

Whatever is sent, the answer is documented, arrives, and is never 500; what was answered with 200 or 201 is kept, and
nothing else; the service goes on. A failure prints the smallest body that shows it, and keeps it for the next run.
"""

import gzip
import json
import sys
import tempfile
import time
from collections.abc import Callable
from urllib.parse import quote

import httpx
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.exact_detector import Service, serving
from wirecopy.config import Config, Limits, Web
from wirecopy.schema.article import FIELDS

REFUSALS = {400, 413, 415, 422}
CODINGS: dict[str, Callable[[bytes], bytes]] = {"": bytes, "gzip": gzip.compress, "zstd": zstandard.compress}

surrogates = st.sampled_from(["\\ud800", "\\udfff", "\\ud83d\\ude00"])
texts = st.text(max_size=30) | st.sampled_from(["", " ", "\u2028", "\x00", "a" * 3000, ".", ".."])
values = st.recursive(
    texts | st.none() | st.booleans() | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
fields = st.dictionaries(st.sampled_from([*FIELDS, "extra"]), values | texts, max_size=8)
articles = st.fixed_dictionaries({"id": texts, "text": texts}, optional=dict.fromkeys(FIELDS[2:], values))
documents = (articles | fields | values).map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass"))


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """A document with bytes cut out, doubled or replaced."""
    body = bytearray(draw(documents))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(body)))
        end = draw(st.integers(start, min(len(body), start + 20)))
        spelled = draw(surrogates).encode()
        body[start:end] = draw(
            st.sampled_from([b"", b"\xff", b'"', b"\\", b"{", b"\n", spelled, bytes(body[start:end]) * 2])
        )
    return bytes(body)


bodies = documents | mangled() | st.binary(max_size=200) | st.integers(1, 2000).map(lambda depth: b"[" * depth)
ids = texts.filter(lambda text: text not in ("", ".", ".."))
streams = st.lists(bodies, max_size=8).map(b"\n".join)


def check_single(service: Service, client: httpx.Client, method: str, path: str, body: bytes, coding: str) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    answer = client.request(method, path, content=CODINGS[coding](body), headers=headers)
    if answer.status_code in (200, 201):
        verdict = answer.json()
        if not path.endswith("check"):
            assert client.get(f"/v1/articles/{quote(verdict['id'], safe='')}").json()["revision"] == verdict["revision"]
    else:
        assert answer.status_code in REFUSALS, answer.text
        assert answer.json()["status"] == answer.status_code


def check_stream(service: Service, client: httpx.Client, body: bytes, coding: str) -> None:
    kept = len(service.detector.articles)
    headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": coding}
    answer = client.post("/v1/bulk", content=CODINGS[coding](body), headers=headers)
    assert answer.status_code == 200
    answers = [json.loads(line) for line in answer.content.split(b"\n")[:-1]]
    assert [one["line"] for one in answers] == list(range(1, body.count(b"\n") + 1 + (body[-1:] not in (b"\n", b""))))
    assert {one["status"] for one in answers} <= {200, 201} | REFUSALS
    new = {one["id"] for one in answers if one["status"] == 201}
    assert len(service.detector.articles) == kept + len(new)


def main(seconds: float) -> int:
    """Fuzz for so long; return how many bodies were sent."""
    config = Config(limits=Limits(max_line_bytes=5000, max_text_bytes=2000), web=Web(max_body_bytes=5000))
    sent = 0
    until = time.monotonic() + seconds
    with tempfile.TemporaryFile() as log_file, serving(config, log_file) as service, service.client() as client:

        @settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(
            bodies, streams, texts.filter(lambda text: text not in ("", ".", "..")), st.sampled_from(sorted(CODINGS))
        )
        def send(body: bytes, stream: bytes, article_id: str, coding: str) -> None:
            nonlocal sent
            for method, path in [
                ("PUT", f"/v1/articles/{quote(article_id.encode('utf-8', 'replace'), safe='')}"),
                ("POST", "/v1/articles"),
                ("POST", "/v1/check"),
            ]:
                check_single(service, client, method, path, body, coding)
            check_stream(service, client, stream, coding)
            sent += 4

        while time.monotonic() < until:
            send()
        assert not [line for line in service.log() if line["event"] != "request"]
    return sent


if __name__ == "__main__":
    print(f"{main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0):,} bodies, no surprise")
