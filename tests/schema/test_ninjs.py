"""ninjs 1, 2 and 3 and AP's items as articles; text out of markup. All samples are invented."""

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.test_push import Run
from tests.exact_detector import Service
from wirecopy.cli.commands import main
from wirecopy.config import Limits
from wirecopy.errors import ArticleError, InvalidArticle
from wirecopy.schema.article import Article
from wirecopy.schema.dates import parse_published
from wirecopy.schema.formats import ninjs
from wirecopy.schema.formats.found import Named
from wirecopy.schema.markup import MOST_NESTED, to_text

HTML = (
    "<section><h2>Bridge</h2><p>The <b>harbour</b> bridge in Port&nbsp;Ellery was <a href='x'>closed</a> on Monday "
    "&amp; will stay shut.</p><script>track('x < y')</script><style>p {}</style>"
    "<p>Ferries run<br/>every 20 minutes.</p></section>"
)
TEXT = (
    "Bridge\n\nThe harbour bridge in Port\u00a0Ellery was closed on Monday & will stay shut.\n\n"
    "Ferries run\nevery 20 minutes."
)
NITF = (
    '<?xml version="1.0"?><nitf><head><title>x</title></head><body>'
    "<body.head><hedline><hl1>Bridge</hl1></hedline></body.head>"
    '<body.content><block id="Main"><p>PORT ELLERY — The bridge was closed.</p><p>It will stay shut.</p></block>'
    "</body.content><body.end><tagline>end</tagline></body.end></body></nitf>"
)
NINJS_3: dict[str, Any] = {
    "uri": "urn:newsml:agency.example:20260302:bridge",
    "standard": {"name": "ninjs", "version": "3.1"},
    "type": "text",
    "versionCreated": "2026-03-02T10:30:00+01:00",
    "firstCreated": "2026-03-01T10:30:00+01:00",
    "pubStatus": "usable",
    "embargoedUntil": "2026-03-03T00:00:00Z",
    "language": "en",
    "headlines": [{"role": "short", "value": "Shut"}, {"role": "main", "value": "Bridge closed"}],
    "bodies": [{"role": "html", "contentType": "text/html", "value": HTML}],
    "infoSources": [{"role": "x", "name": "Agency"}],
    "altIds": [{"role": "slug", "value": "bridge-1"}],
}
NINJS_2 = {
    "uri": NINJS_3["uri"],
    "versioncreated": "2026-03-02T09:30:00Z",
    "pubstatus": "usable",
    "embargoed": "2026-03-03T00:00:00Z",
    "language": "en",
    "headlines": [{"value": "Bridge closed"}],
    "bodies": [
        {"contenttype": "application/xml", "value": NITF},
        {"contenttype": "text/html", "value": HTML},
        {"contenttype": "text/plain", "value": TEXT},
    ],
    "infosources": [{"name": "Agency"}],
}
NINJS_1 = {
    "uri": NINJS_3["uri"],
    "versioncreated": "2026-03-02T09:30:00+0000",
    "embargoed": "2026-03-03T00:00:00Z",
    "language": "en",
    "headline": "Bridge closed",
    "body_html": HTML,
    "source": "Agency",
}
AP: dict[str, Any] = {
    "uri": "https://api.example/content/0f1e",
    "altids": {"itemid": "0f1e", "etag": "0f1e_2a", "friendlykey": "123"},
    "version": 2,
    "type": "text",
    "pubstatus": "canceled",
    "versioncreated": "2026-03-02T09:30:00Z",
    "headline": "Bridge closed",
    "infosource": [{"name": "AP-like", "type": "AP"}],
    "body_nitf": NITF,
    "renditions": {"nitf": {"href": "https://api.example/0f1e.nitf"}},
}


def read(item: Any, article_id: str | None = None) -> Article:
    return ninjs.parse(json.dumps(item).encode(), Limits(), article_id)


@pytest.mark.parametrize("item", [NINJS_1, NINJS_2, NINJS_3], ids=["1", "2", "3"])
def test_every_version_says_the_same(item: dict[str, Any]) -> None:
    article = read(item)
    assert (article.id, article.title, article.source, article.language) == (
        item["uri"],
        "Bridge closed",
        "Agency",
        "en",
    )
    assert article.published == parse_published("2026-03-02T09:30:00Z")
    assert article.text == TEXT


@pytest.mark.parametrize("wrapped", [AP, {"item": AP}, {"id": "x", "data": {"item": AP}}], ids=["bare", "item", "data"])
def test_an_ap_item_is_known_by_the_id_that_its_revisions_share(wrapped: dict[str, Any]) -> None:
    article = read(wrapped)
    assert (article.id, article.source) == ("0f1e", "AP-like")
    assert article.text == "PORT ELLERY — The bridge was closed.\n\nIt will stay shut."


def test_a_kill_needs_no_body() -> None:
    kill = read({"uri": "n1", "pubstatus": "canceled", "headline": "Kill"})
    assert (kill.id, kill.text, kill.title, kill.status) == ("n1", "", "Kill", "canceled")


def test_the_id_of_a_path_stands_for_the_items_own() -> None:
    assert read(AP, "wire-1").id == "wire-1"
    assert read({"body_text": "Words."}, "wire-1").id == "wire-1"
    assert read({"altids": [{"role": "x"}, {"value": "second"}], "body_text": "Words."}).id == "second"
    assert read({"guid": "tag:1", "body_text": "Words."}).id == "tag:1"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"uri": None, "altIds": None}, "id (uri) is missing"),
        ({"uri": 7.5}, "id (uri) must be a string"),
        ({"bodies": []}, "text is missing"),
        ({"bodies": [], "type": "picture"}, "type 'picture'"),
        ({"bodies": [], "renditions": {"nitf": {"href": "x"}}}, "renditions.nitf"),
        ({"bodies": "x"}, "bodies must be an array"),
        ({"bodies": [1]}, "bodies[0] must be an object"),
        ({"bodies": [{"value": 1}]}, "bodies[0].value must be a string"),
        ({"bodies": [{"value": "<p> </p>"}]}, "text (bodies[0].value) is empty"),
        ({"bodies": [], "body_html": 5}, "body_html must be a string"),
        ({"bodies": [{"value": "<div>" * (MOST_NESTED + 1)}]}, "text (bodies[0].value): its markup nests"),
        ({"headlines": {}}, "headlines must be an array"),
        ({"headlines": None, "headline": []}, "title (headline) must be a string"),
        ({"pubStatus": "killed"}, "status (pubStatus) must be usable, withheld or canceled, not 'killed'"),
        ({"versionCreated": []}, "published (versionCreated) must be a time or a date"),
        ({"versionCreated": "soon"}, "published (versionCreated) must be an RFC 3339 time"),
        ({"infoSources": [5]}, "infoSources[0] must be"),
        ({"infoSources": [{"name": 5}]}, "source (infoSources[0].name) must be a string"),
        ({"language": {}}, "language must be a string"),
    ],
)
def test_what_is_wrong_is_named_as_it_was_sent(change: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidArticle) as refused:
        read({**NINJS_3, **change})
    assert named in str(refused.value)


def test_statuses_are_those_of_the_iptc() -> None:
    for said, meant in [("usable", "usable"), ("stat:withheld", "withheld"), ("Canceled", "canceled")]:
        found, _ = ninjs._status({"pubstatus": Named("pubstatus", said)})
        assert found is not None
        assert found.value == meant
    embargoed = {"pubstatus": Named("pubstatus", "embargoed")}
    assert ninjs._status(embargoed) == (Named("pubstatus", "withheld"), None)
    until = Named("embargoed", "2026-03-03T00:00:00Z")
    assert ninjs._status({**embargoed, "embargoed": until}) == (Named("pubstatus", "usable"), until)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        (HTML, TEXT),
        ("plain &lt;words&gt; &eacute;", "plain <words> é"),
        ("<p>one</p>\n  <p>two\nlines</p>", "one\n\ntwo lines"),
        ("<ul><li>a<li>b</ul><table><tr><td>1<td>2<tr><td>3</table>", "a\n\nb\n\n1 2\n\n3"),
        ("<p>日本<b>語</b></p><p>العربية", "日本語\n\nالعربية"),
        ("<p>open <i>never closed", "open never closed"),
        ("<script>only</script>", ""),
        ("", ""),
    ],
)
def test_of_markup_remains_what_a_reader_sees(markup: str, text: str) -> None:
    assert to_text(markup) == text


@given(
    st.text()
    | st.lists(st.sampled_from(["<p>", "</p>", "<div>", "<b", "<!--", "-->", "&amp;", "x", "<script>"])).map("".join)
)
def test_any_markup_is_read(markup: str) -> None:
    assert to_text(markup) == to_text(markup).strip()


JSON = st.recursive(
    st.none() | st.text(max_size=4) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["value", "role", "item", "itemid"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(
    st.dictionaries(st.sampled_from([*NINJS_3, *NINJS_1, "data", "item", "altids", "renditions", "body_text"]), JSON)
)
def test_any_item_is_an_article_or_refused(item: dict[str, Any]) -> None:
    with suppress(ArticleError):
        assert read(item).text.strip()


@pytest.mark.parametrize(
    "markup", ["<div>" * 10**6, "<p>" * 10**6, "<b>" * 10**6, "<p>word</p>" * 10**5, "<" * 10**6, "<!--" * 10**5]
)
def test_megabytes_of_markup_are_read_or_refused_in_seconds(markup: str) -> None:
    started = time.process_time()
    with suppress(InvalidArticle):
        to_text(markup)
    assert time.process_time() - started < 5


def test_the_service_takes_items_by_every_route(service: Service) -> None:
    kind = {"Content-Type": "application/ninjs+json; charset=utf-8"}
    lines = "\n".join(
        json.dumps(item) for item in (AP, {"uri": "bad"}, {**NINJS_2, "uri": "long", "body_html": HTML * 500})
    )
    with service.client() as client:
        put = client.put("/v1/articles/wire-1", content=json.dumps(NINJS_3), headers=kind)
        post = client.post("/v1/articles", content=json.dumps(NINJS_1), headers=kind)
        check = client.post("/v1/check", content=json.dumps(NINJS_2), headers=kind)
        bad = client.post("/v1/articles", content=json.dumps({**NINJS_1, "body_html": 1}), headers=kind)
        large = client.post(
            "/v1/articles", content=json.dumps({**NINJS_1, "uri": "large", "body_html": HTML * 500}), headers=kind
        )
        bulk = [json.loads(line) for line in client.post("/v1/bulk", content=lines, headers=kind).text.splitlines()]
        stored = client.get("/v1/articles/wire-1").json()
    assert (put.status_code, post.status_code, check.status_code, large.status_code) == (201, 201, 200, 201)
    assert (stored["title"], stored["text"], stored["source"]) == ("Bridge closed", TEXT, "Agency")
    assert post.json()["match"] == "wire-1"
    assert (bad.status_code, bad.json()["detail"]) == (422, "body_html must be a string")
    assert [line["status"] for line in bulk] == [201, 422, 201]
    assert bulk[0]["id"] == "0f1e"


def test_dedupe_reads_items_from_lines_and_documents(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "items.jsonl").write_text(json.dumps(NINJS_3) + "\n\n{}\n", encoding="utf-8")
    linked = {**AP, "altids": {"itemid": "second"}, "body_nitf": None, "pubstatus": "usable"}
    feed = {"data": {"items": [{"item": AP}, {"item": linked}]}}
    (tmp_path / "feed.json").write_text(json.dumps(feed, indent=1), encoding="utf-8")
    (tmp_path / "one.json").write_text(json.dumps({**NINJS_1, "uri": "one"}), encoding="utf-8")
    files = [str(tmp_path / name) for name in ("items.jsonl", "feed.json", "one.json")]
    assert main(["dedupe", *files, "--format", "ninjs", "-o", str(tmp_path / "out.jsonl")]) == 1
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == [NINJS_3["uri"], "0f1e", "one"]
    assert rows[2]["match"] == NINJS_3["uri"]
    told = capsys.readouterr().err
    assert "items.jsonl:3: text is missing" in told
    assert "feed.json:2: text is missing: renditions.nitf only links to it" in told


def test_formats_that_do_not_fit_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.csv", "a.json"):
        (tmp_path / name).write_text("{", encoding="utf-8")
    out = ["-o", str(tmp_path / "out.jsonl")]
    assert main(["dedupe", str(tmp_path / "a.csv"), "--format", "ninjs", *out]) == 2
    assert main(["dedupe", str(tmp_path / "a.json"), "--format", "ninjs", "--map", "id=uri", *out]) == 2
    assert main(["dedupe", str(tmp_path / "a.json"), "--format", "ninjs", *out]) == 3
    assert "the JSON ends too early" in capsys.readouterr().err


def test_push_sends_items_as_articles(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "items.json"
    file.write_text(json.dumps([NINJS_2, AP]), encoding="utf-8")
    assert Run().push(file, url=service.url, schema="ninjs").new == 2
    with service.client() as client:
        assert client.get("/v1/articles/0f1e").json()["title"] == "Bridge closed"
