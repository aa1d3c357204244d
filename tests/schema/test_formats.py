"""The wire's own formats: a sample of each, in words of our own, becomes the article that it holds."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.conftest import RunService
from tests.exact_detector import Service
from wirecopy.config import Config, Limits, Web
from wirecopy.config import Intake as IntakeSettings
from wirecopy.errors import ArticleError, InvalidArticle, MalformedArticle, NotText
from wirecopy.schema.article import Article
from wirecopy.schema.dates import parse_published
from wirecopy.schema.formats import known, ninjs, xml
from wirecopy.schema.intake import IntakeParser

MOMENT = parse_published("2026-03-02T09:30:00Z")
BODY = "The harbour bridge closed.\n\nTwo cables were damaged."
NITF = """<?xml version="1.0"?>
<!DOCTYPE nitf SYSTEM "nitf-3-6.dtd">
<nitf{attributes}><head><title>Not this</title>
 <docdata management-status="{status}"><doc-id id-string="hw-7" regsrc="HW"/>
 <date.issue norm="20260302T093000Z"/><date.release norm="20260302T113000+0200"/></docdata>
 <pubdata ex-ref="http://hw.example/7"/></head>
<body><body.head><hedline><hl1>Bridge <em>closed</em></hl1></hedline><distributor>Harbour Wire</distributor></body.head>
<body.content xml:lang="en"><media media-type="image"><media-caption>A picture.</media-caption></media>
<block><p>The harbour bridge closed.</p><!-- aside --><p>Two  cables
were damaged.</p></block></body.content><body.end>ends</body.end></body></nitf>"""
G2 = """<?xml version="1.0" encoding="UTF-8"?>
<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="tag:hw.example,2026:7" version="{version}" xml:lang="en">
 <itemMeta><itemClass qcode="ninat:{kind}"/><provider qcode="nprov:HW"><name>Harbour Wire</name></provider>
 <versionCreated>2026-03-02T10:30:00+01:00</versionCreated>{embargoed}<pubStatus qcode="stat:{status}"/></itemMeta>
 <contentMeta><headline role="hlr:sub">Second</headline><headline>Bridge closed</headline>
 <language tag="en"/></contentMeta>
 <contentSet>{content}</contentSet></newsItem>"""
XHTML = """<inlineXML contenttype="application/xhtml+xml"><html xmlns="http://www.w3.org/1999/xhtml">
<head><title>x</title></head>
<body><p>The harbour bridge closed.</p><figure><figcaption>No.</figcaption></figure><p>Two cables were damaged.</p>
</body></html></inlineXML>"""
NEWSML_1 = """<?xml version="1.0" encoding="iso-8859-1"?>
<!DOCTYPE NewsML PUBLIC "urn:newsml:iptc.org:20021018:NewsMLv1.2:1" "http://hw.example/NewsML.dtd">
<NewsML><NewsEnvelope><DateAndTime>20260302T093000Z</DateAndTime></NewsEnvelope>
<NewsItem><Identification><NewsIdentifier><ProviderId>hw.example</ProviderId><DateId>20260302</DateId>
<NewsItemId>7</NewsItemId>
<RevisionId>2</RevisionId><PublicIdentifier>urn:newsml:hw.example:20260302:7:2</PublicIdentifier>
</NewsIdentifier></Identification>
<NewsManagement><NewsItemType FormalName="News"/><FirstCreated>20260301T000000Z</FirstCreated>
<ThisRevisionCreated>20260302T093000+0000</ThisRevisionCreated><Status FormalName="{status}"/>{change}</NewsManagement>
<NewsComponent><NewsLines><HeadLine>Bridge closed</HeadLine></NewsLines>
<AdministrativeMetadata><Provider><Party FormalName="Harbour Wire"/></Provider></AdministrativeMetadata>
<DescriptiveMetadata><Language FormalName="en"/></DescriptiveMetadata>
<NewsComponent><ContentItem><MediaType FormalName="Photo"/><DataContent>no</DataContent></ContentItem>
<ContentItem><MediaType FormalName="Text"/><DataContent>{content}</DataContent></ContentItem>
</NewsComponent></NewsComponent></NewsItem></NewsML>"""
RELEASE = """<StatusWillChange><FutureStatus FormalName="Usable"/><DateAndTime>20260302T093000Z</DateAndTime>
</StatusWillChange>"""
G2_ID, URN = "tag:hw.example,2026:7", "urn:newsml:hw.example:20260302:7"
PARAGRAPHS = "<p>The harbour bridge closed.</p><p>Two cables were damaged.</p>"
IPTC7901 = (
    b"\x01hwa0007 3 i 9  hwire 0045\r\n\n\nHarbour/bridge/\r\n\x02URGENT\nBridge closed\nBy Jo Writer =\r\n\n"
    b"The harbour bridge closed.\r\n\nTwo cables were damaged.\n\x03020930 GMT Mar 26\n\x7f\n\x04"
)
DPA = {
    "format": "digitalwires@0.9.1", "type": "composite", "urn": "urn:newsml:hw.example:20260302:7", "version": "2",
    "version_created": "2026-03-02T10:30:00+01:00", "pubstatus": "usable", "embargoed": None, "language": "en",
    "headline": "Bridge closed", "creditline": "Harbour Wire",
    "article_html": f'<section class="main">{PARAGRAPHS}</section>',
}  # fmt: skip
NINJS_1 = {
    "uri": "http://hw.example/7", "type": "text", "versioncreated": "2026-03-02T09:30:00+0000", "pubstatus": "usable",
    "language": "en", "headline_sub": "Second", "headline_main": "Bridge closed", "source": "Harbour Wire",
    "body_xhtml": f"<div>{PARAGRAPHS}</div>",
}  # fmt: skip
NINJS_3 = {
    "uri": "http://hw.example/7", "standard": {"name": "ninjs", "version": "3.1"}, "type": "text", "language": "en",
    "versionCreated": "2026-03-02T09:30:00Z", "infoSources": [{"name": "Harbour Wire"}],
    "headlines": [{"role": "main", "value": "Bridge closed"}],
    "bodies": [{"role": "main", "contentType": "text/html", "value": PARAGRAPHS}],
}  # fmt: skip


def bare_nitf() -> str:
    """Without what may stand only at the start of a document."""
    return nitf().decode().partition('dtd">')[2]


def nitf(status: str = "usable", attributes: str = "") -> bytes:
    return NITF.format(status=status, attributes=attributes).encode()


def g2(
    kind: str = "text", status: str = "usable", content: str = XHTML, embargoed: str = "", version: int = 1
) -> bytes:
    fields = {"kind": kind, "status": status, "content": content, "embargoed": embargoed, "version": version}
    return G2.format(**fields).encode()


def newsml(status: str = "Usable", content: str = PARAGRAPHS, change: str = "") -> bytes:
    return NEWSML_1.format(status=status, content=content, change=change).encode("iso-8859-1")


def read(name: str, data: bytes | dict[str, Any]) -> Article:
    """The one article of a document."""
    encoded = data if isinstance(data, bytes) else json.dumps(data).encode()
    return known.read_one(known.WireRequest(name, Limits(), IntakeParser(Limits()).zone, True), encoded)[0]


def expected(article_id: str, url: str | None = None, language: str | None = "en") -> Article:
    return Article(article_id, BODY, "Bridge closed", "Harbour Wire", url, MOMENT, language)


@pytest.mark.parametrize(
    ("name", "data", "article"),
    [
        ("nitf", nitf(), expected("hw-7", "http://hw.example/7")),
        ("nitf", nitf(attributes=' xmlns="http://iptc.org/std/NITF/2006-10-18/"'), expected("hw-7", "http://hw.example/7")),
        ("newsml-g2", g2(), expected(G2_ID)),
        ("newsml-g2", g2(kind="composite"), expected(G2_ID)),
        ("newsml-g2", g2(content=f"<inlineXML>{bare_nitf()}</inlineXML>"), expected(G2_ID)),
        (
            "newsml-g2",
            g2(content=f'<inlineData contenttype="text/html"><![CDATA[{PARAGRAPHS}]]></inlineData>'),
            expected(G2_ID),
        ),
        ("newsml-g2", g2(content=f'<inlineData contenttype="text/plain">{BODY}</inlineData>'), expected(G2_ID)),
        ("newsml-1", newsml(), expected(URN)),
        ("newsml-1", newsml(content=bare_nitf()), expected(URN)),
        ("dpa", DPA, expected(URN)),
        ("ninjs", NINJS_1, structs.replace(expected("http://hw.example/7"), updated=1772443800000)),
        ("ninjs", NINJS_3, structs.replace(expected("http://hw.example/7"), updated=1772443800000)),
    ],
)  # fmt: skip
def test_a_sample_of_each_format_is_the_article_that_it_holds(name: str, data: Any, article: Article) -> None:
    assert read(name, data) == article


def test_iptc_7901_is_read_with_its_headlines_and_time() -> None:
    article = read("iptc7901", IPTC7901)
    assert article == Article("hwa0007-2026-03-02", BODY, "Bridge closed", "hwire", None, MOMENT)
    two = IPTC7901 + IPTC7901.replace(b"hwa0007", b"hwa0008").replace(b" =\r\n", b"\r\n")
    assert [each.found.id for each in known.read(known.BY_NAME["iptc7901"], two, IntakeParser(Limits()))] == [  # type: ignore[union-attr]
        *("hwa0007-2026-03-02", "hwa0008-2026-03-02")
    ]
    old = read("iptc7901", IPTC7901.replace(b"cables", "Kabel sind überfüllt".encode("cp1252")))
    assert "Kabel sind überfüllt" in old.text


@pytest.mark.parametrize(
    ("name", "data", "status", "embargoed"),
    [
        ("nitf", nitf("embargoed"), "usable", MOMENT),
        ("nitf", nitf("withheld"), "withheld", None),
        ("nitf", nitf("canceled"), "canceled", None),
        ("newsml-g2", g2(status="withheld"), "withheld", None),
        ("newsml-g2", g2(embargoed="<embargoed>2026-03-02T09:30:00Z</embargoed>"), "usable", MOMENT),
        ("newsml-g2", g2(status="canceled", content=""), "canceled", None),
        ("newsml-1", newsml("Canceled", ""), "canceled", None),
        ("newsml-1", newsml("Embargoed"), "withheld", None),
        (
            "newsml-1",
            newsml("Embargoed", change=RELEASE),
            "usable",
            MOMENT,
        ),
        ("dpa", {**DPA, "pubstatus": "canceled", "article_html": None}, "canceled", None),
        ("dpa", {**DPA, "embargoed": "2026-03-02T09:30:00Z"}, "usable", MOMENT),
        ("ninjs", {**NINJS_1, "pubstatus": "embargoed"}, "withheld", None),
    ],
)  # fmt: skip
def test_status_embargo_and_kill_are_carried(name: str, data: Any, status: str, embargoed: int | None) -> None:
    article = read(name, data)
    assert (article.status, article.embargoed) == (status, embargoed)


def test_versions_share_their_id() -> None:
    assert read("newsml-g2", g2(version=1)).id == read("newsml-g2", g2(version=2)).id
    assert read("newsml-1", newsml()).id == read("newsml-1", newsml().replace(b"<RevisionId>2", b"<RevisionId>3")).id
    assert read("dpa", DPA).id == read("dpa", {**DPA, "version": "3"}).id


KINDS = ("picture", "graphic", "audio", "video", "event", "planning")


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("newsml-g2", g2(kind="picture"), "picture"),
        ("newsml-g2", g2(kind="video"), "video"),
        ("newsml-g2", g2(content='<remoteContent href="http://hw.example/x"/>'), "remote content"),
        ("newsml-g2", b'<packageItem xmlns="http://iptc.org/std/nar/2006-10-01/"/>', "package"),
        ("newsml-g2", b'<planningItem xmlns="http://iptc.org/std/nar/2006-10-01/"/>', "planning"),
        ("newsml-1", newsml().replace(b'"Text"', b'"Video"'), "photo"),
        ("dpa", {**DPA, "article_html": None}, "composite"),
        *(("ninjs", {**NINJS_1, "type": kind}, kind) for kind in KINDS),
        ("ninjs", {"uri": "e", "title": "T", "eventDetails": {}}, "event"),
    ],
)  # fmt: skip
def test_items_that_are_no_text_are_skipped_and_their_kind_is_told(name: str, data: Any, kind: str) -> None:
    with pytest.raises(NotText) as skipped:
        read(name, data)
    assert skipped.value.kind == kind


def test_a_message_of_many_items_is_read_item_by_item() -> None:
    items = b"".join(item.partition(b"?>")[2] for item in (g2(), g2(kind="picture"), g2(content="")))
    message = (
        b'<newsMessage xmlns="http://iptc.org/std/nar/2006-10-01/"><itemSet>' + items + b"</itemSet></newsMessage>"
    )
    found = [each.found for each in known.read(known.BY_NAME["newsml-g2"], message, IntakeParser(Limits()))]
    assert [type(each) for each in found] == [Article, NotText, InvalidArticle]


def test_an_optional_field_costs_itself_alone_here_too() -> None:
    data = g2().replace(b"2026-03-02T10:30:00+01:00", b"next week")
    [(article, warnings)] = known.read(known.BY_NAME["newsml-g2"], data, IntakeParser(Limits()))
    assert isinstance(article, Article)
    assert article.published is None
    assert "published (versionCreated)" in warnings[0]
    [(refused, _)] = known.read(known.BY_NAME["newsml-g2"], data, IntakeParser(Limits(), is_strict=True))
    assert isinstance(refused, InvalidArticle)


def test_an_item_of_ap_has_its_text_in_the_nitf_that_it_links_to() -> None:
    link = "https://api.hw.example/7.nitf"
    item = {"altids": {"itemid": "x1"}, "type": "text", "headline": "H", "renditions": {"nitf": {"href": link}}}
    wrapped = {"data": {"item": item}}
    with pytest.raises(InvalidArticle, match=r"renditions\.nitf only links to it"):
        read("ninjs", wrapped)
    assert ninjs.nitf_link(wrapped) == link
    assert read("ninjs", ninjs.with_nitf(wrapped, nitf().decode())).text == BODY
    inlined = {**item, "renditions": {"nitf": {"href": link, "content": nitf().decode()}}}
    assert read("ninjs", {"data": {"item": inlined}}).text == BODY
    assert ninjs.nitf_link({**item, "body_text": "T."}) is None


def test_a_wrong_charset_in_the_declaration_does_no_harm() -> None:
    data = newsml(content="<p>Überfüllt, 満員</p>".encode("ascii", "xmlcharrefreplace").decode())
    assert read("newsml-1", data).text == "Überfüllt, 満員"
    claimed = NEWSML_1.format(
        status="Usable", content="<p>Überfüllt</p>", change=""
    ).encode()  # says iso-8859-1, is UTF-8
    assert read("newsml-1", claimed).text == "Überfüllt"
    with pytest.raises(MalformedArticle, match="not XML"):
        read(
            "nitf",
            nitf()
            .replace(b'<?xml version="1.0"?>', b'<?xml version="1.0" encoding="utf-8"?>')
            .replace(b"Two", b"\xff\xfe"),
        )


def test_names_of_characters_are_understood_without_their_dtd() -> None:
    assert "café" in read("nitf", nitf().replace(b"harbour bridge", b"caf&eacute;")).text


BOMB = "".join(f'<!ENTITY e{k + 1} "' + f"&e{k};" * 10 + '">' for k in range(9))


def with_entities(declared: str, used: bytes = b"x") -> bytes:
    return nitf().replace(b'SYSTEM "nitf-3-6.dtd"', f"[{declared}]".encode()).replace(b"Two", used)


HOSTILE = {
    "entity bomb": with_entities(f'<!ENTITY e0 "x">{BOMB}', b"&e9;"),
    "external entity": with_entities('<!ENTITY x SYSTEM "file:///etc/passwd">', b"&x;"),
    "parameter entity": with_entities('<!ENTITY % p SYSTEM "http://127.0.0.1:9/x"> %p;'),
    "no xml": b"<nitf",
    "not even that": b"nothing",
    "empty": b"",
    "deep": b"<nitf>" * 5000,
    "another root": b"<html/>",
    "long attribute": b'<nitf x="' + b"y" * 12_000_000 + b'"/>',
    "binary": bytes(range(256)) * 10,
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_xml_is_refused_at_once_and_names_what_is_wrong(what: str) -> None:
    started = time.perf_counter()
    with pytest.raises(ArticleError) as refused:
        read("nitf", HOSTILE[what])
    assert time.perf_counter() - started < 5
    assert str(refused.value)
    assert len(str(refused.value)) < 500
    assert "root:" not in str(refused.value)


def test_no_dtd_is_loaded_from_anywhere(tmp_path: Path) -> None:
    dtd = tmp_path / "nitf.dtd"
    dtd.write_text('<!ENTITY secret "from the DTD">', encoding="utf-8")
    data = nitf().replace(b"nitf-3-6.dtd", str(dtd).encode()).replace(b"Two", b"&secret;")
    assert "DTD" not in read("nitf", data).text


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (nitf(), "nitf"), (g2(), "newsml-g2"), (newsml(), "newsml-1"), (IPTC7901, "iptc7901"),
        (b"<!-- <NewsML> --><x:newsItem xmlns:x='y'/>", "newsml-g2"), (b"\xef\xbb\xbf\n" + nitf(), "nitf"),
        (b"<rss/>", None), (b"{}", None), (b"", None),
    ],
)  # fmt: skip
def test_documents_are_recognised_by_how_they_begin(data: bytes, name: str | None) -> None:
    found = known.recognise(data)
    assert (None if found is None else found.name) == name


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode), st.sampled_from(list(known.BY_NAME)))
def test_whatever_comes_nothing_but_an_article_or_a_documented_error_is_found(data: bytes, name: str) -> None:
    for found, warnings in known.read(known.BY_NAME[name], data, IntakeParser(Limits())):
        assert isinstance(found, Article | ArticleError)
        assert warnings == []


def test_text_of_markup_has_its_paragraphs_and_nothing_silent() -> None:
    root = xml.parse(b"<d>a<br/>b<p>c <b>d</b></p><script>no</script><table><tr><td>1</td><td>2</td></tr></table>e</d>")
    assert xml.text_of(root) == "a\nb\n\nc d\n\n1 2\n\ne"


TYPES = {each.name: each.media_types[0] for each in known.FORMATS}
BODIES: list[tuple[str, bytes]] = [
    *(("nitf", nitf()), ("newsml-g2", g2()), ("newsml-1", newsml()), ("iptc7901", IPTC7901)),
    *(("dpa", json.dumps(DPA).encode()), ("ninjs", json.dumps(NINJS_3).encode())),
]


@pytest.mark.parametrize(("name", "body"), BODIES, ids=[name for name, _ in BODIES])
def test_each_format_is_taken_over_http_by_its_content_type(service: Service, name: str, body: bytes) -> None:
    headers = {"Content-Type": TYPES[name]}
    with service.client() as client:
        assert client.put("/v1/articles/own", content=body, headers=headers).status_code == 201
        posted = client.post("/v1/articles", content=body, headers=headers)
        assert posted.status_code == 201, posted.text
        assert client.post("/v1/check", content=body, headers=headers).status_code == 200
        answer = client.post("/v1/bulk", content=body, headers=headers)
    assert (answer.status_code, answer.headers["Wirecopy-Replayed"]) == (200, "1")
    assert service.detector.articles["own"][0].text == service.detector.articles[posted.json()["id"]][0].text == BODY


def test_a_document_of_many_items_is_one_bulk_body_and_what_is_no_text_is_skipped(service: Service) -> None:
    items = b"".join(item.partition(b"?>")[2] for item in (g2(), g2(kind="picture"), g2(content="")))
    message = (
        b'<newsMessage xmlns="http://iptc.org/std/nar/2006-10-01/"><itemSet>' + items + b"</itemSet></newsMessage>"
    )
    with service.client() as client:
        answer = client.post("/v1/bulk", content=message, headers={"Content-Type": TYPES["newsml-g2"]})
        pictures = client.put(
            "/v1/articles/p", content=g2(kind="picture"), headers={"Content-Type": TYPES["newsml-g2"]}
        )
        several = client.post("/v1/articles", content=message, headers={"Content-Type": TYPES["newsml-g2"]})
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["status"] for line in lines] == [201, 204, 422]
    assert lines[1]["skipped"] == "picture"
    assert [answer.headers[f"Wirecopy-{name}"] for name in ("Taken", "Skipped", "Refused")] == ["1", "1", "1"]
    assert (pictures.status_code, "'picture'" in pictures.json()["detail"]) == (422, True)
    assert (several.status_code, "3 items" in several.json()["detail"]) == (400, True)


def test_hostile_xml_over_http_is_refused_and_the_service_goes_on(run_service: RunService) -> None:
    service = run_service(Config(web=Web(max_body_bytes=20_000_000), intake=IntakeSettings(strict=True)))
    with service.client() as client:
        for data in HOSTILE.values():
            answer = client.put("/v1/articles/a", content=data, headers={"Content-Type": TYPES["nitf"]})
            assert answer.status_code in (400, 422), answer.text
        assert client.put("/v1/articles/a", content=nitf(), headers={"Content-Type": TYPES["nitf"]}).status_code == 201
