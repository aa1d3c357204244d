"""The page in a real browser: a day at the desk, keyboard, axe, both widths, both themes, right-to-left, no script."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browsers import chromium, violations
from tests.conftest import RunService
from tests.exact_detector import Service, wait_until
from tests.streams import written
from tests.web.test_page import EVIL, caught_up
from wirecopy.config import Auth, Config, Key
from wirecopy.detector.detector import SCHEME, Detector
from wirecopy.storage import Store

WIDTHS = (390, 1400)
ARABIC = (
    "أغلقت السلطات جسر الميناء أمام حركة المرور يوم الاثنين بعد أن ألحقت العاصفة أضرارا باثنين من الكابلات الرئيسية"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as one:
        yield one


@pytest.fixture
def service(run_service: RunService, tmp_path: Path) -> Service:
    keys = [
        Key("editor", hashlib.sha256(b"editor-key").hexdigest()),
        Key("reader", hashlib.sha256(b"reader-key").hexdigest(), ["read"]),
    ]
    config = Config(auth=Auth(keys))
    running = run_service(
        config,
        open_detector=lambda: Detector(config, Store.open(tmp_path / "data", scheme=SCHEME)),
        index_file=tmp_path / "search.sqlite3",
    )
    running.wait_ready()
    wait_until(lambda: running.app.owner.role.is_writer)
    return running


def put(service: Service, name: str, text: str, **fields: Any) -> None:
    with service.client(headers={"Authorization": "Bearer editor-key"}) as client:
        answer = client.put(f"/v1/articles/{name}", json={"text": text, **fields})
        assert answer.status_code in (200, 201), answer.text


def fill(service: Service) -> None:
    for k, (name, wire, how) in enumerate((("a", 1, 0), ("b", 1, 1), ("c", 1, 2), ("d", 3, 0), ("e", 3, 1))):
        text = written(wire, how).replace(". ", ".\n\n")
        published = f"2026-03-02T0{k + 1}:30:00Z"
        put(service, name, text, title=f"Headline {name}", source=f"{name}.example", language="en", published=published)
    put(
        service,
        "ar",
        f"{ARABIC}\n\n{ARABIC}",
        title="إغلاق جسر الميناء بعد العاصفة",
        source="jarida.example",
        language="ar",
    )
    caught_up(service)


@pytest.fixture
def desk(browser: Any, service: Service) -> Iterator[Any]:
    """A page of somebody who signed in as an editor."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, base_url=service.url)
    page = context.new_page()
    page.problems = []
    page.on("console", lambda said: page.problems.append(said.text) if "Content Security" in said.text else None)
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    sign_in(page, "editor-key", "Anna")
    yield page
    assert page.problems == []
    context.close()


def sign_in(page: Any, key: str, name: str = "") -> None:
    page.goto("/sign-in")
    page.get_by_label("Key").fill(key)
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")


def act(page: Any, what: str, button: str, why: str) -> None:
    """Open a form, say why, and send it."""
    form = page.locator("details.act", has=page.locator("summary", has_text=re.compile(f"^{re.escape(what)}"))).first
    form.locator("summary").click()
    form.get_by_label("Why").fill(why)
    form.get_by_role("button", name=button, exact=True).click()


def test_a_day_at_the_desk(desk: Any, service: Service) -> None:
    desk.goto("/")
    assert desk.get_by_text("No stories yet").is_visible()
    live = desk.locator(".live .state")
    live.get_by_text("live").wait_for()
    fill(service)
    desk.locator(".news li").first.wait_for()  # it came by itself
    assert "Headline a" in desk.locator(".news").inner_text()
    desk.get_by_role("button", name="Show").click()
    desk.locator(".stories .row").first.wait_for()

    desk.get_by_role("link", name="Headline a").click()
    desk.locator("h1", has_text="Headline a").wait_for()
    assert desk.locator(".timeline li").count() == 3
    story = desk.url.rpartition("/")[2]

    merge = desk.locator("details.act", has_text="Merge with another story")
    merge.locator("summary").click()
    merge.get_by_label("Id or address of the other story").fill(f"{service.url}/stories/s3")
    merge.get_by_label("Why").fill("one dispatch of the agency")
    merge.get_by_role("button", name="Merge").click()
    desk.locator(".timeline li:nth-child(5)").wait_for()
    desk.goto("/stories/s3")
    assert desk.url.endswith(f"/stories/{story}")

    act(desk, "Undo e1", "Undo", "they are two after all")
    desk.locator(".edit.undone").wait_for()
    assert desk.locator(".timeline li").count() == 3
    desk.goto("/stories/s3")
    assert desk.url.endswith("/stories/s3")
    desk.goto("/edits")
    assert "Anna (editor) merged" in " ".join(desk.locator(".edits").inner_text().split())
    assert "they are two after all" in desk.locator(".edits").inner_text()

    desk.goto("/articles/a")
    act(desk, "Cancel (kill)", "Cancel (kill)", "the minister never said it")
    recall = desk.locator("section.recall")
    recall.wait_for()
    assert recall.locator("li").count() == 2
    with desk.expect_download() as download:
        recall.get_by_role("link", name="Download as CSV").click()
    assert "b.example" in Path(download.value.path()).read_text(encoding="utf-8")

    desk.goto("/compare/d/e")
    assert desk.locator("mark").count() > 0
    desk.goto("/stories")
    desk.get_by_label("Search headlines and texts").fill("headline d")
    desk.keyboard.press("Enter")
    desk.locator(".stories .row").first.wait_for()
    assert desk.locator(".stories .row").count() == 1

    desk.goto("/check")
    desk.get_by_label("Text", exact=True).fill(written(3, 0))
    desk.get_by_role("button", name="Check").click()
    desk.get_by_text("articles share its source").wait_for()
    desk.get_by_role("button", name="side by side").first.click()
    desk.locator("mark").first.wait_for()

    desk.get_by_role("button", name="Sign out").click()
    desk.wait_for_url("**/sign-in*")
    sign_in(desk, "reader-key")
    desk.goto("/stories/s3")
    assert desk.get_by_text("Act on this story").count() == 0


def test_passages_are_reached_by_keys_alone(desk: Any, service: Service) -> None:
    fill(service)
    desk.goto("/compare/d/e")
    most = int(desk.locator(".sides").get_attribute("data-passages"))
    desk.keyboard.press("n")
    assert desk.evaluate("document.activeElement.id") == "a1"
    desk.keyboard.press("o")
    assert desk.evaluate("document.activeElement.id") == "b1"
    desk.keyboard.press("p")
    assert desk.evaluate("document.activeElement.dataset.passage") == str(most)
    assert desk.locator(".at").inner_text() == f"passage {most} of {most}"


def test_everything_is_reached_by_tab_and_shown_where_the_focus_is(desk: Any, service: Service) -> None:
    fill(service)
    desk.goto("/stories/s0")
    desk.keyboard.press("Tab")
    assert desk.evaluate("document.activeElement.className") == "skip"
    desk.keyboard.press("Enter")
    desk.keyboard.press("Tab")
    assert desk.evaluate("document.getElementById('content').contains(document.activeElement)")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    reached = set()
    for _ in range(60):
        desk.keyboard.press("Tab")
        assert desk.evaluate(f"document.activeElement === document.body || {outline} !== 'none'")
        reached.add(desk.evaluate("document.activeElement.tagName"))
    assert {"A", "INPUT", "BUTTON", "SUMMARY"} <= reached


PATHS = (
    *("/stories", "/stories?q=headline&min_size=1", "/stories/s0", "/articles/a", "/articles/ar", "/compare/a/b"),
    *("/compare", "/check", "/sources", "/pins", "/edits", "/feed", "/sign-in", "/stories/s999"),
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(browser: Any, service: Service, scheme: str) -> None:
    fill(service)
    for width in WIDTHS:
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, color_scheme=scheme, base_url=service.url)
        page = context.new_page()
        sign_in(page, "editor-key", "Anna")
        for path in PATHS:
            page.goto(path)
            page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            assert violations(page) == [], (path, width, scheme)
            wide = page.evaluate("document.body.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, (path, width)
        context.close()


def test_nothing_wide_breaks_a_page(browser: Any, service: Service) -> None:
    for k, evil in enumerate(EVIL):
        put(service, f"evil-{k}", f"{written(1, 0)}\n\n{evil}", title=evil, source=evil[:200], language=evil[:10])
    context = browser.new_context(viewport={"width": 390, "height": 900}, base_url=service.url)
    page = context.new_page()
    ran: list[str] = []
    page.on("dialog", lambda dialog: ran.append(dialog.message))
    sign_in(page, "editor-key", "<b>Eve</b>")
    for path in (
        "/",
        "/stories/s0",
        "/articles/evil-5",
        "/compare/evil-0/evil-5",
        "/sources",
        "/feed",
        "/articles/evil-3",
    ):
        page.goto(path)
        wide = page.evaluate("document.body.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
        assert page.locator("img, b, iframe").count() == 0
    assert ran == []
    context.close()


def test_texts_from_right_to_left_are_set_so(desk: Any, service: Service) -> None:
    fill(service)
    desk.goto("/articles/ar")
    text = desk.locator(".text")
    assert text.get_attribute("lang") == "ar"
    assert desk.evaluate("getComputedStyle(document.querySelector('.text')).direction") == "rtl"
    assert desk.evaluate("getComputedStyle(document.querySelector('h1 bdi')).direction") == "rtl"
    assert desk.evaluate("getComputedStyle(document.body).direction") == "ltr"


def test_times_are_in_the_zone_of_the_reader(browser: Any, service: Service) -> None:
    fill(service)
    context = browser.new_context(base_url=service.url, timezone_id="Asia/Tokyo", locale="en-GB")
    page = context.new_page()
    sign_in(page, "reader-key")
    page.goto("/articles/a")
    assert "10:30" in page.locator(".kicker time").inner_text()  # 01:30 UTC
    context.close()


def test_everything_can_be_read_and_done_without_script(browser: Any, service: Service) -> None:
    fill(service)
    context = browser.new_context(java_script_enabled=False, base_url=service.url)
    page = context.new_page()
    sign_in(page, "editor-key", "Anna")
    for path in PATHS[:-1]:
        assert page.goto(path).status == 200
        assert page.locator("h1").first.inner_text()
    page.goto("/articles/a")
    assert "UTC" in page.locator(".kicker time").inner_text()
    act(page, "Withhold", "Withhold", "not yet")
    page.get_by_text("It is shown to nobody").wait_for()
    context.close()


def test_a_file_that_is_dropped_is_what_is_checked(desk: Any, service: Service) -> None:
    fill(service)
    desk.goto("/check")
    drop = """(text) => {
        const data = new DataTransfer();
        data.items.add(new File([text], "story.txt", { type: "text/plain" }));
        const drop = new DragEvent("drop", { dataTransfer: data, cancelable: true });
        document.querySelector("form.check").dispatchEvent(drop);
    }"""
    desk.evaluate(drop, written(3, 0))
    desk.get_by_text("taken from the file story.txt").wait_for()
    desk.get_by_role("button", name="Check").click()
    desk.get_by_text("articles share its source").wait_for()


def test_a_page_whose_connection_was_lost_says_so_and_comes_back(desk: Any, service: Service) -> None:
    desk.goto("/")
    state = desk.locator(".live .state")
    state.get_by_text("live").wait_for()
    for stream in list(service.app.event_streams):
        service.loop.call_soon_threadsafe(stream.stop)
    desk.locator(".live.lost").wait_for()
    assert state.inner_text() == "connection lost, trying again"
    desk.locator(".live:not(.lost)").wait_for()
    put(service, "late", written(7, 0), title="After the break")
    desk.get_by_role("link", name="After the break").wait_for()


def test_badges_count_my_outlets_and_quiet_hides_them(desk: Any, service: Service) -> None:
    fill(service)
    desk.goto("/stories")
    choose = desk.locator("details.act", has_text="Choose my outlets")
    choose.locator("summary").click()
    choose.get_by_label("One source in each line").fill("mine.example")
    choose.get_by_role("button", name="Save").click()
    desk.wait_for_url("**/stories?mine=1")
    desk.locator(".live .state").get_by_text("live").wait_for()
    for k in range(3):
        put(service, f"mine-{k}", written(20 + k, 0), title=f"Mine {k}", source="mine.example")
    desk.locator(".badge", has_text="mine.example 3").wait_for()
    assert desk.title().startswith("(3)")
    desk.get_by_label("Quiet").check()
    assert desk.locator(".badge").count() == 0
    assert not desk.title().startswith("(")
    desk.reload()
    assert desk.get_by_label("Quiet").is_checked()


def test_an_article_that_is_erased_while_it_is_looked_at(desk: Any, service: Service) -> None:
    fill(service)
    desk.goto("/articles/e")
    with service.client(headers={"Authorization": "Bearer editor-key"}) as client:
        client.delete("/v1/articles/e")
    act(desk, "Withhold", "Withhold", "too late")
    desk.get_by_text("Unknown article").wait_for()
    desk.go_back()
    wait_until(lambda: "/articles/e" in desk.url)
