"""The page over HTTP, without a browser: who may, what is refused, what stays whole whatever is put in."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.conftest import RunService
from tests.detection.test_comparison import ITEM, OTHER_ITEMS, STORY
from tests.exact_detector import Service, wait_until
from tests.streams import written
from wirecopy.config import Auth, Config, Key, Page, Web
from wirecopy.detector.detector import SCHEME, Detector
from wirecopy.storage import Store

HTML = {"Accept": "text/html"}
Open = Callable[..., Service]


@pytest.fixture
def page(run_service: RunService, tmp_path: Path) -> Open:
    """Starts services with the real Detector, a store and an index file, on the same data each time."""

    def start(config: Config | None = None) -> Service:
        settings = config or Config()
        service = run_service(
            settings,
            open_detector=lambda: Detector(settings, Store.open(tmp_path / "data", scheme=SCHEME)),
            index_file=tmp_path / "search.sqlite3",
        )
        service.wait_ready()
        wait_until(lambda: service.app.owner.role.is_writer)
        return service

    return start


@pytest.fixture
def desk(page: Open) -> Iterator[httpx.Client]:
    """A browser without script, at a service with three stories."""
    service = page()
    fill(service)
    with service.client(headers=HTML) as client:
        yield client


def fill(service: Service) -> None:
    with service.client() as client:
        for name, wire, source in (("a", 1, "one.example"), ("b", 1, "two.example"), ("c", 3, "one.example")):
            body = {"title": f"Headline of {name}", "text": written(wire, 0), "source": source, "language": "en"}
            answer = client.put(f"/v1/articles/{name}", json=body)
            assert answer.status_code == 201, answer.text
        client.put("/v1/articles/d", json={"text": written(3, 0), "title": "Headline of d"})
    caught_up(service)


def caught_up(service: Service) -> None:
    indexing = service.app.indexing
    assert indexing is not None
    wait_until(lambda: indexing.file.place.seq >= service.app.following.newest)


def token_in(html: str) -> str:
    found = re.search(r'name="token" value="([0-9a-f]+)"', html)
    assert found is not None
    return found[1]


def submit(desk: httpx.Client, path: str, **fields: object) -> httpx.Response:
    """Send a form as the page would: with the token of this session."""
    token = token_in(desk.get("/check").text)
    return desk.post(path, data={"token": token, **fields}, headers={"Sec-Fetch-Site": "same-origin"})


def key_named(name: str, *roles: str) -> Key:
    return Key(name, hashlib.sha256(name.encode()).hexdigest(), list(roles))  # type: ignore[arg-type]


PATHS = (
    *("/", "/stories?q=headline", "/stories?order=biggest", "/stories?order=growing", "/stories/s0", "/articles/a"),
    *("/compare/a/b", "/compare", "/check", "/sources", "/pins", "/edits", "/feed", "/sign-in"),
)


@pytest.mark.parametrize("path", PATHS)
def test_every_page_is_html_under_a_strict_policy_and_needs_no_script_to_be_read(desk: httpx.Client, path: str) -> None:
    answer = desk.get(path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<h1" in answer.text
    assert not re.search(r"\sstyle=|\son[a-z]+=|javascript:", answer.text)
    assert all(
        'src="/page.js"' in tag or "application/json" in tag for tag in re.findall(r"<script[^>]*>", answer.text)
    )


@pytest.mark.parametrize(
    "path", ["/index", "/stories", "/stories/s0", "/articles/a", "/compare/a/b", "/sources", "/pins"]
)
def test_every_page_has_its_json(desk: httpx.Client, path: str) -> None:
    by_suffix = desk.get(f"{path}.json")
    assert by_suffix.headers["Content-Type"] == "application/json"
    if path != "/index":
        by_accept = desk.get(path, headers={"Accept": "application/json"})
        assert by_accept.json().keys() == by_suffix.json().keys()


def test_a_program_at_the_root_is_told_what_this_is(desk: httpx.Client) -> None:
    answer = desk.get("/", headers={"Accept": "*/*"}).json()
    assert answer["service"]["name"] == "wirecopy"
    assert answer["routes"]["stories"] == "/v1/stories"


def test_shippers_may_call_their_index_like_a_page(desk: httpx.Client) -> None:
    lines = b'{"index": {"_id": "shipped"}}\n{"text": "Some words."}\n'
    sent = desk.post("/stories/_bulk", content=lines, headers={"Content-Type": "application/x-ndjson"})
    assert (sent.status_code, sent.json()["errors"]) == (200, False)
    assert desk.put("/stories", json={}).status_code == 200
    assert desk.get("/articles/shipped").status_code == 200


def test_an_id_that_ends_like_a_suffix_is_reached(desk: httpx.Client) -> None:
    desk.put("/v1/articles/x.json", json={"text": "Some words."})
    assert "x.json" in desk.get("/articles/x.json.html").text
    assert desk.get("/articles/x.json.json").json()["article"]["id"] == "x.json"


def test_stories_are_found_by_words_source_language_and_day(desk: httpx.Client) -> None:
    def found(**query: str) -> list[str]:
        return [story["canonical"] for story in desk.get("/stories.json", params=query).json()["stories"]]

    assert found(q="headline") == ["c", "a"]
    assert found(q='"headline of c"') == ["c"]
    assert found(q="headline -c") == ["c", "a"]  # d of the same story has no c
    assert found(source="two.example") == ["a"]
    assert found(language="en") == ["c", "a"]
    assert found(until="2020-01-01") == []
    assert found(relation="alone") == []
    assert found(min_size="3") == []


def test_my_outlets_are_remembered_by_the_browser(desk: httpx.Client) -> None:
    assert submit(desk, "/outlets", outlets="two.example\nzwei.example").headers["Location"] == "/stories?mine=1"
    assert "Headline of a" in desk.get("/stories?mine=1").text
    assert "Headline of c" not in desk.get("/stories?mine=1").text
    assert submit(desk, "/outlets", outlets="\n".join(f"{k}{'x' * 300}" for k in range(60))).status_code == 422


def test_a_merge_with_a_reason_is_undone_and_the_old_id_is_back(desk: httpx.Client) -> None:
    done = submit(desk, "/stories/s0/merge", **{"with": "/stories/s2", "reason": "one dispatch"})
    assert (done.status_code, done.headers["Location"]) == (303, "/stories/s0")
    assert desk.get("/stories/s2").status_code == 308
    [edit] = desk.get("/v1/edits").json()["edits"]
    assert (edit["kind"], edit["reason"], edit["can_be_undone"]) == ("merged", "one dispatch", True)
    assert submit(desk, "/edits/e1/undo", reason="two after all").status_code == 303
    assert desk.get("/stories/s2").status_code == 200
    assert "two after all" in desk.get("/edits").text


def test_what_is_done_needs_a_reason(desk: httpx.Client) -> None:
    answer = submit(desk, "/stories/s0/merge", **{"with": "s2", "reason": " "})
    assert answer.status_code == 422
    assert "say why" in answer.text
    assert desk.get("/stories/s2").status_code == 200


def test_a_form_that_is_sent_twice_is_done_once(desk: httpx.Client) -> None:
    token = token_in(desk.get("/check").text)
    form = {"token": token, "article": "b", "reason": "another story"}
    answers = [desk.post("/stories/s0/split", data=form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 422]
    merge = [submit(desk, "/stories/s0/merge", **{"with": "s2", "reason": "one"}) for _ in range(2)]
    assert [answer.status_code for answer in merge] == [303, 303]
    assert [edit["kind"] for edit in desk.get("/v1/edits").json()["edits"]] == ["merged", "split"]


def test_a_form_without_the_token_of_its_session_does_nothing(desk: httpx.Client) -> None:
    token = token_in(desk.get("/check").text)
    form = {"with": "s2", "reason": "x"}
    assert desk.post("/stories/s0/merge", data=form).status_code == 403
    assert desk.post("/stories/s0/merge", data={**form, "token": token[::-1]}).status_code == 403
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert desk.post("/stories/s0/merge", data={**form, "token": token}, headers=foreign).status_code == 403
    desk.cookies.clear()
    assert desk.post("/stories/s0/merge", data={**form, "token": token}).status_code == 403
    assert desk.get("/v1/edits").json()["edits"] == []


def test_a_kill_lists_what_is_to_be_recalled_as_csv_too(desk: httpx.Client) -> None:
    desk.put("/v1/articles/b", json={"text": written(1, 0), "title": "=HYPERLINK(1)", "url": "https://two.example/b"})
    done = submit(desk, "/articles/a/status", status="canceled", reason="it is wrong")
    assert done.headers["Location"] == "/stories/s0"
    assert "To be recalled" in desk.get("/stories/s0").text
    table = desk.get("/stories/s0/recall.csv").text
    assert "https://two.example/b" in table
    assert ",'=HYPERLINK(1)," in table
    assert submit(desk, "/articles/a/status", status="nonsense", reason="x").status_code == 422


def test_a_withheld_article_is_shown_to_nobody_and_released(desk: httpx.Client) -> None:
    submit(desk, "/articles/b/status", status="withheld", reason="wait")
    assert "two.example" not in desk.get("/stories/s0").text
    assert desk.get("/compare/a/b").status_code == 404
    assert [one["id"] for one in desk.get("/v1/articles?q=headline").json()["articles"]] == ["d", "c", "a"]
    submit(desk, "/articles/b/status", status="usable", reason="go")
    assert "two.example" in desk.get("/stories/s0").text


def test_the_canonical_is_corrected_and_articles_are_pinned(desk: httpx.Client) -> None:
    submit(desk, "/stories/s0/canonical", article="b", reason="the better text")
    assert desk.get("/v1/stories/s0").json()["canonical"] == "b"
    assert submit(desk, "/pins", article="a\nb", together="no", reason="apart").headers["Location"] == "/pins"
    [pin] = desk.get("/v1/pins").json()["pins"]
    submit(desk, f"/pins/{pin['id']}/cancel", reason="a mistake")
    assert desk.get("/v1/pins").json()["pins"] == []
    assert submit(desk, "/pins", article="a", together="yes", reason="x").status_code == 422


def test_erased_means_gone_from_what_is_found_too(desk: httpx.Client, tmp_path: Path) -> None:
    desk.put("/v1/articles/secret", json={"text": "The zanzibarlike secret of the vault.", "title": "Quixotry"})
    wait_until(lambda: desk.get("/v1/articles?q=zanzibarlike").json()["articles"])
    submit(desk, "/articles/secret/erase", reason="by order")
    assert desk.get("/v1/articles?q=zanzibarlike").json()["articles"] == []

    def holds() -> bool:
        files = [path.read_bytes().lower() for path in tmp_path.glob("search.sqlite3*")]
        return any(b"zanzibarlike" in data or b"quixotry" in data for data in files)

    wait_until(lambda: not holds())


def test_what_is_checked_is_compared_and_not_stored(desk: httpx.Client) -> None:
    answer = submit(desk, "/check", text=written(1, 0), title="")
    assert answer.status_code == 200
    assert "2 articles share its source" in answer.text  # a and b; nothing else has any of it
    side = submit(desk, "/check", text=written(1, 0), **{"with": "a"})
    assert "<mark" in side.text
    assert "the text that was checked" in side.text
    assert submit(desk, "/check", text="  ").status_code == 422
    assert submit(desk, "/check", text="Something that nobody has.").status_code == 200
    assert desk.get("/v1/articles?id=this+text").status_code == 404


def test_a_file_is_checked(desk: httpx.Client) -> None:
    token = token_in(desk.get("/check").text)
    file = {"file": ("story.txt", written(1, 0).encode(), "text/plain")}
    answer = desk.post("/check", data={"token": token, "text": "", "title": ""}, files=file)
    assert "2 articles share its source" in answer.text


def test_addresses_are_fetched_from_listed_hosts_only(page: Open) -> None:
    off = page()
    with off.client(headers=HTML) as desk:
        answer = submit(desk, "/check", url=f"{off.url}/page.css")
        assert answer.status_code == 422
        assert "page.fetch_hosts" in answer.text
    off.stop()
    off.wait_stopped()
    service = page(Config(page=Page(fetch_hosts=["127.0.0.1"])))
    fill(service)
    with service.client(headers=HTML) as desk:
        assert "Nobody has it" in submit(desk, "/check", url=f"{service.url}/page.css").text
        assert submit(desk, "/check", url="http://169.254.169.254/x").status_code == 422
        assert submit(desk, "/check", url="file:///etc/passwd").status_code == 422
        assert "answered 404" in submit(desk, "/check", url=f"{service.url}/nothing").text


def test_two_revisions_are_compared(desk: httpx.Client) -> None:
    desk.put(
        "/v1/articles/a", json={"text": written(1, 0) + "\n\nCorrected: it was 17.", "title": "Headline of a, new"}
    )
    assert "Revision 2" in desk.get("/articles/a").text
    assert "Corrected: it was 17." in desk.get("/compare/a/a?from=1&to=2").text
    assert desk.get("/compare/a/a?from=1&to=9").status_code == 404
    assert desk.get("/compare/a/a?from=1&to=1").status_code == 422
    assert desk.get("/compare/a/a").status_code == 422


def test_signing_in_gives_the_roles_of_the_key_until_it_is_taken_away(page: Open) -> None:
    keys = [key_named("reader", "read"), key_named("editor", "read", "edit")]
    service = page(Config(auth=Auth(keys)))
    with service.client(headers=HTML) as desk:
        refused = desk.get("/stories")
        assert refused.status_code == 401
        assert "/sign-in?next=%2Fstories" in refused.text
        token = token_in(desk.get("/sign-in").text)
        assert desk.post("/sign-in", data={"token": token, "key": "wrong"}).status_code == 401
        done = desk.post("/sign-in", data={"token": token, "key": "editor", "name": "Anna", "next": "//evil.example"})
        assert (done.status_code, done.headers["Location"]) == (303, "/")
        cookie = done.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Anna (editor)" in desk.get("/stories").text
        assert submit(desk, "/stories/s0/merge", **{"with": "s1", "reason": "x"}).status_code == 404
        service.loop.call_soon_threadsafe(service.app.keys.replace, Auth([keys[0]]))
        wait_until(lambda: desk.get("/stories").status_code == 401)


def test_a_session_ends_after_its_hours(page: Open) -> None:
    service = page(Config(auth=Auth([key_named("reader", "read")]), page=Page(session_hours=0.0003)))  # a second
    with service.client(headers=HTML) as desk:
        desk.post("/sign-in", data={"token": token_in(desk.get("/sign-in").text), "key": "reader"})
        wait_until(lambda: desk.get("/stories").status_code == 401)
        assert "/sign-in?next=%2Fstories" in desk.get("/stories").text


def test_without_keys_a_name_is_enough_to_stand_with_what_is_done(desk: httpx.Client) -> None:
    submit(desk, "/sign-in", name="Bert")
    submit(desk, "/stories/s0/canonical", article="b", reason="better")
    assert desk.get("/v1/edits").json()["edits"][0]["by"] == "Bert"
    assert "Signed in as" in desk.get("/").text
    submit(desk, "/sign-out")
    assert "Signed in as" not in desk.get("/").text


def test_a_reader_sees_no_forms_that_act_and_may_not_act(page: Open) -> None:
    service = page(Config(auth=Auth([key_named("reader", "read"), key_named("writer", "write")])))
    with service.client() as client:
        body = {"text": written(1, 0)}
        assert client.put("/v1/articles/a", json=body, headers={"Authorization": "Bearer writer"}).status_code == 201
    with service.client(headers=HTML) as desk:
        token = token_in(desk.get("/sign-in").text)
        desk.post("/sign-in", data={"token": token, "key": "reader"})
        shown = desk.get("/articles/a").text
        assert 'name="reason"' not in shown
        answer = submit(desk, "/articles/a/status", status="withheld", reason="x")
        assert answer.status_code == 403
        assert "has not the role edit" in answer.text
        assert desk.get("/stories/s0").status_code == 200


def test_everybody_may_read_where_a_setting_says_so(page: Open) -> None:
    service = page(Config(auth=Auth([key_named("editor", "edit")], anonymous=["read"])))
    with service.client(headers=HTML) as desk:
        assert desk.get("/stories").status_code == 200
        assert submit(desk, "/stories/s0/merge", **{"with": "s1", "reason": "x"}).status_code == 401


@pytest.mark.parametrize(
    "cookie", ["wirecopy=x", "wirecopy=a.b", "wirecopy=" + "x" * 5000, "wirecopy=;;;=", "=", "a\tb"]
)
def test_a_broken_cookie_is_no_session_and_no_error(page: Open, cookie: str) -> None:
    with page().client(headers={**HTML, "Cookie": cookie}) as desk:
        assert desk.get("/stories").status_code == 200
        assert desk.post("/stories/s0/merge", data={"with": "s1", "reason": "x"}).status_code == 403


EVIL = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "{{ 7 * 7 }}{% raise %}",
    "\u202egnitirw tfel ot thgir\u202c \u2066isolated",
    "a\u0000b\u0007c",
    "W" * 60_000,
    "عنوان <b>مع</b> علامات",
    "javascript:alert(1)",
    "</script></textarea></title>",
    "../../etc/passwd?x=1#y",
    "%2e%2e%2f;'\"`",
)


@pytest.mark.parametrize("evil", EVIL, ids=range(len(EVIL)))
def test_whatever_titles_ids_sources_and_texts_hold_pages_stay_whole(page: Open, evil: str) -> None:
    service = page()
    article_id = evil[:200].replace("\x00", "")
    with service.client(headers=HTML) as desk:
        for name in (article_id, "other"):
            body = {
                "title": evil, "text": f"{written(1, 0)}\n\n{evil}", "source": evil[:300], "url": evil,
                "language": evil[:50]
            }  # fmt: skip
            answer = desk.put(f"/v1/articles/{quote(name, safe='')}", json=body)
            assert answer.status_code == 201, answer.text
        caught_up(service)
        encoded = quote(article_id, safe="")
        story = desk.get("/v1/stories").json()["stories"][0]["id"]
        paths = [
            "/", f"/stories/{story}", f"/articles/{encoded}.html", f"/compare/{encoded}/other.html",
            "/sources", "/feed",
            f"/stories?q={quote(evil[:300])}", f"/stories?source={quote(evil[:300])}", f"/stories/{story}/recall.csv",
            f"/sources?source={quote(evil[:300])}", f"/stories/{encoded}.html", f"/stories?language={quote(evil[:50])}",
        ]  # fmt: skip
        for path in paths:
            answer = desk.get(path)
            assert answer.status_code in (200, 404), (path, answer.status_code)
            if "html" in answer.headers["Content-Type"]:
                assert_whole(answer.text)
        submit(desk, f"/articles/{encoded}/status", status="canceled", reason=evil[:500].replace("\x00", "") or "x")
        submit(desk, "/pins", article=f"{article_id}\nother", together="yes", reason=evil[:500])
        for path in ("/edits", "/pins", f"/stories/{story}"):
            assert_whole(desk.get(path).text)
        checked = submit(desk, "/check", text=f"{written(1, 0)} {evil}", title=evil)
        assert checked.status_code == 200
        assert_whole(checked.text)
    assert not [line for line in service.log() if line["event"] == "internal error"]


def assert_whole(html: str) -> None:
    """No tag that is not ours, nothing that runs, and the page ends where it should."""
    assert html.rstrip().endswith("</html>")
    assert html.count("</html>") == 1
    assert "<script>" not in html
    assert "<img" not in html
    bare = re.sub(r'"[^"]*"|\'[^\']*\'', "", html)
    assert not re.search(r"<[^>]*\son[a-z]+=", bare)
    assert not re.search(r'href="\s*javascript:', html, re.IGNORECASE)
    heads = re.findall(r"<title>(.*?)</title>", html, re.DOTALL)
    assert not any("\u202e" in head for head in heads)


def test_a_word_of_a_megabyte_is_shown_and_found_at_its_beginning(desk: httpx.Client) -> None:
    desk.put("/v1/articles/long", json={"text": "w" * 2**20 + " end", "title": "One long word"})
    assert desk.get("/articles/long").status_code == 200
    assert "One long word" in desk.get("/stories?q=long").text or desk.get("/stories?q=long").status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/stories?cursor=yesterday", 422),
        ("/stories?cursor=s0-1", 200),
        ("/stories?cursor=s999999999", 200),
        ("/stories?cursor=rank-999&order=biggest", 200),
        ("/stories?cursor=hit-1&order=biggest", 422),
        ("/stories?q=headline&cursor=rank-1", 422),
        ("/stories?q=headline&cursor=hit-1", 200),
        ("/stories?q=%22&min_size=", 200),
        ("/stories?q=NEAR(a+b)+AND+OR+*+^+:+(", 200),
        ("/stories?order=newest&order=biggest", 422),
        ("/stories?nonsense=1", 422),
        ("/stories?since=never", 422),
        ("/stories?limit=0", 422),
        ("/stories?relation=cousins", 422),
        ("/edits?cursor=s0", 422),
        ("/edits?cursor=e99999", 200),
        ("/feed?after=999999999", 200),
        ("/feed?after=-1", 422),
        ("/sources?cursor=zzz", 200),
        ("/stories/s999", 404),
        ("/stories/%FF", 400),
        ("/articles/nobody", 404),
        ("/articles/a?revision=7", 404),
        ("/compare/a/nobody", 404),
        ("/nothing", 404),
        ("/stories/", 404),
    ],
)
def test_what_cannot_be_shown_is_a_page_that_says_so(desk: httpx.Client, path: str, status: int) -> None:
    answer = desk.get(path)
    assert answer.status_code == status, answer.text
    if answer.status_code >= 400 and not path.startswith(("/nothing", "/stories/?")) and path != "/stories/":
        assert "text/html" in answer.headers["Content-Type"] or status == 400
    assert "Traceback" not in answer.text


def test_an_article_that_goes_while_it_is_looked_at_is_a_page_that_says_so(desk: httpx.Client) -> None:
    assert desk.get("/compare/a/b").status_code == 200
    desk.delete("/v1/articles/b")
    for path in ("/articles/b", "/compare/a/b"):
        answer = desk.get(path)
        assert answer.status_code == 404
        assert "Unknown article" in answer.text
    assert submit(desk, "/articles/b/status", status="withheld", reason="x").status_code == 404
    assert submit(desk, "/stories/s0/split", article="b", reason="x").status_code == 404
    embargoed = {"text": written(3, 0), "title": "Headline of c", "embargoed": "2999-01-01"}
    desk.put("/v1/articles/c", json=embargoed)
    assert "Headline of c" not in desk.get("/stories").text
    assert desk.get("/compare/c/d").status_code == 404


def test_only_the_form_of_a_known_kind_and_size_is_read(desk: httpx.Client) -> None:
    assert desk.post("/check", json={"text": "x"}).status_code == 415
    assert desk.post("/check", content=b"text=%FF", headers={"Content-Type": FORM}).status_code == 400
    many = "&".join(f"a{k}=1" for k in range(3000)).encode()
    assert desk.post("/check", content=many, headers={"Content-Type": FORM}).status_code == 400
    huge = b"text=" + b"x" * (5 * 2**20)
    assert desk.post("/check", content=huge, headers={"Content-Type": FORM}).status_code == 413
    broken = {"Content-Type": "multipart/form-data; boundary=nowhere"}
    assert desk.post("/check", content=b"no parts here", headers=broken).status_code in (400, 403)


FORM = "application/x-www-form-urlencoded"


def test_scripts_of_listed_origins_may_ask_the_api_and_no_others(page: Open) -> None:
    service = page(Config(page=Page(cross_origins=["https://desk.example"])))
    ask = {"Origin": "https://desk.example", "Access-Control-Request-Method": "GET"}
    with service.client() as client:
        allowed = client.options("/v1/stories", headers=ask)
        assert (allowed.status_code, allowed.headers["Access-Control-Allow-Origin"]) == (204, "https://desk.example")
        assert "Authorization" in allowed.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in allowed.headers
        got = client.get("/v1/stories", headers={"Origin": "https://desk.example"})
        assert got.headers["Access-Control-Allow-Origin"] == "https://desk.example"
        problem = client.get("/v1/stories/none", headers={"Origin": "https://desk.example"})
        assert problem.headers["Access-Control-Allow-Origin"] == "https://desk.example"
        for origin in ("https://evil.example", "https://desk.example.evil.example", "null"):
            got = client.get("/v1/stories", headers={"Origin": origin})
            assert "Access-Control-Allow-Origin" not in got.headers
            assert client.options("/v1/stories", headers={**ask, "Origin": origin}).status_code == 405


def test_live_tells_what_is_new_once_a_second_with_titles(page: Open) -> None:
    service = page()
    with service.client() as client, service.client() as listener:
        with listener.stream("GET", "/live") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "retry: 3000"
            for k in range(30):
                body = {"text": written(k, 0), "title": f"News {k}", "source": "one.example"}
                client.put(f"/v1/articles/{k}", json=body)
            ticks: list[dict[str, Any]] = []
            while sum(tick["new_stories"] for tick in ticks) < 30:
                line = next(lines)
                if line.startswith("data: "):
                    ticks.append(json.loads(line[6:]))
        assert sum(tick["outlets"].get("one.example", 0) for tick in ticks) == 30
        titles = {one["title"] for tick in ticks for one in tick["news"]}
        assert "News 29" in titles
        assert all(len(tick["news"]) <= 20 for tick in ticks)
        wait_until(lambda: not service.app.event_streams)  # who left holds nothing


def test_live_streams_are_bounded(page: Open) -> None:
    service = page(Config(web=Web(max_event_streams=1)))
    with service.client() as client, client.stream("GET", "/live") as first:
        assert first.status_code == 200
        with service.client() as second:
            assert second.get("/live").status_code == 503


def test_files_of_the_page_are_kept_until_they_change(desk: httpx.Client) -> None:
    first = desk.get("/page.css")
    assert first.headers["Content-Type"].startswith("text/css")
    assert desk.get("/page.css", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_ten_at_once_see_the_same(desk: httpx.Client) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: desk.get("/stories.json").json(), range(30)))
    assert all(answer == answers[0] for answer in answers)


def test_the_sample_is_shown_by_one_command_and_gone_afterwards(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "wirecopy", "demo", "--page", "--port", "0"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as run:
        assert run.stdout is not None
        try:
            said = run.stdout.readline()
            found = re.search(r"http://[0-9.:]+/", said)
            assert found is not None, said
            with httpx.Client(base_url=found[0], headers=HTML, trust_env=False) as desk:
                assert 'class="row' in desk.get("/").text
        finally:
            run.terminate()
        assert run.wait(30) == 0
    assert not list(tmp_path.glob("wirecopy-demo-*"))


def test_what_only_contains_something_is_not_counted_among_those_that_share_the_source(desk: httpx.Client) -> None:
    assert desk.put("/v1/articles/long", json={"text": STORY}).status_code == 201
    item = f"{ITEM} Repairs take six weeks and cost 4.2 million euros, engineers say."
    told = submit(desk, "/check", text="\n\n".join([item, *OTHER_ITEMS])).text
    assert "Nobody has it" in told
    assert "1 more article shares some of its words, and hardly its source." in told
    assert told.count('name="with"') == 1
    assert "It would join the story" not in told
