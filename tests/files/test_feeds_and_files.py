"""Files as newsrooms and corpus builders have them: every container, charset and coding; answers by endings."""

import bz2
import gzip
import io
import json
import lzma
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
import zstandard

from tests.files.test_reading import ids, line_of, read_all, write
from tests.schema.test_formats import BODY, g2, nitf
from wirecopy.cli.commands import main
from wirecopy.config import Limits
from wirecopy.errors import InputFailed, UsageError
from wirecopy.files import remote
from wirecopy.files.reading import expand, read
from wirecopy.schema.article import Article

A, B = {"id": "a", "text": "One."}, {"id": 2, "content": "Two."}
DOCUMENTS: dict[str, str] = {
    "array": json.dumps([A, B]),
    "indented array": json.dumps([A, B], indent=2),
    "wrapped": json.dumps({"status": "ok", "articles": [A, B]}, indent=1),
    "deeper": json.dumps({"articles": {"results": [A, B]}}),
    "_items": json.dumps({"_items": [A, B]}),
    "lines": json.dumps(A) + "\n" + json.dumps(B) + "\n",
    "documents": json.dumps(A, indent=1) + "\n" + json.dumps(B, indent=1),
}


@pytest.mark.parametrize("what", DOCUMENTS)
def test_json_is_read_however_it_is_put_together(tmp_path: Path, what: str) -> None:
    chunk = read_all(write(tmp_path / "a.json", DOCUMENTS[what].encode()), keep_lines=True)
    assert chunk.articles == [Article("a", "One."), Article("2", "Two.")]
    assert [json.loads(line) for line in chunk.lines or ()] == [A, B]
    assert chunk.refusals == []


def test_a_bad_element_fails_alone_and_an_array_that_is_cut_is_told(tmp_path: Path) -> None:
    chunk = read_all(
        write(tmp_path / "a.json", b'[{"id": "a", "text": "T."}, {"id": "b"}, 7, {"id": "c", "text": "T."}]')
    )
    assert (ids(chunk), [refusal.line for refusal in chunk.refusals]) == (["a", "c"], [2, 3])
    with pytest.raises(InputFailed, match=r"ends too early.*behind element 1"):
        list(read([str(write(tmp_path / "b.json", b'[{"id": "a", "text": "T."}, {"id"'))], limits=Limits(), mapping={}))


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstandard.compress,
}  # fmt: skip


@pytest.mark.parametrize("coding", CODINGS)
def test_every_coding_is_read_by_its_ending_and_on_standard_input(
    tmp_path: Path, coding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = CODINGS[coding](line_of("1")) + CODINGS[coding](line_of("2"))  # two members
    assert ids(read_all(write(tmp_path / f"a.jsonl.{coding}", packed))) == ["1", "2"]

    class StandardInput:
        buffer = io.BufferedReader(io.BytesIO(packed))

    monkeypatch.setattr(sys, "stdin", StandardInput())
    assert ids(read_all("-")) == ["1", "2"]


@pytest.mark.parametrize("coding", CODINGS)
def test_truncated_and_damaged_files_are_told_behind_what_was_good(tmp_path: Path, coding: str) -> None:
    packed = CODINGS[coding](line_of("1")) + CODINGS[coding](b"".join(line_of(str(n), "x" * 90) for n in range(900)))
    for data in (packed[:-5], packed[: len(packed) - 60] + b"\0" * 40 + packed[-20:]):
        found: list[str] = []
        file = str(write(tmp_path / f"a.jsonl.{coding}", data))
        with pytest.raises(InputFailed, match=r"truncated|damaged"):
            found.extend(one for chunk in read([file], limits=Limits(), mapping={}) for one in ids(chunk))
        assert found[:1] == ["1"]


@pytest.mark.parametrize("coding", CODINGS)
def test_bombs_in_every_coding_cost_one_line_and_no_memory(tmp_path: Path, coding: str) -> None:
    import resource

    bomb = CODINGS[coding](line_of("1") + b"x" * 2**28 + b"\n" + line_of("2"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    chunk = read_all(write(tmp_path / f"a.jsonl.{coding}", bomb), limits=Limits(max_line_bytes=1000))
    assert (ids(chunk), [refusal.line for refusal in chunk.refusals]) == (["1", "2"], [2])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024  # KiB; the bomb holds 256 MiB


@pytest.mark.parametrize(
    ("name", "table", "charset"),
    [
        ("a.csv", "id;text;title\n1;Größe, Übung;Ä\n2;Straße;\n", "cp1252"),
        ("a.csv", "id,text,title\n1,Größe,Ä\n2,Straße,\n", "utf-8"),
        ("a.csv", "id|text\n1|Größe\n2|Straße\n", "utf-8-sig"),
        ("a.tsv", "id\ttext\n1\tGröße; a, b\n2\tStraße\n", "utf-8"),
        ("a.csv", "id;text\n1;Größe\n2;Straße\n", "utf-16"),
        (
            "a.csv",
            "id;text\n1;" + "Проверка текста на русском языке." * 9 + "\n2;" + "Вторая строка. " * 9 + "\n",
            "cp1251",
        ),
    ],
)
def test_tables_are_read_in_any_charset_and_by_any_delimiter(
    tmp_path: Path, name: str, table: str, charset: str
) -> None:
    chunk = read_all(write(tmp_path / name, table.encode(charset)))
    assert (ids(chunk), chunk.refusals) == (["1", "2"], [])
    separator = next(each for each in ";,|\t" if each in table.split("\n")[0])
    assert chunk.articles[0].text == table.split("\n")[1].split(separator)[1].strip()


def test_folders_are_read_with_all_that_is_below_them(tmp_path: Path) -> None:
    (tmp_path / "day" / "x").mkdir(parents=True)
    for name in ("b.jsonl", "x/a.json", ".hidden.jsonl", "notes.pdf"):
        write(tmp_path / "day" / name, line_of(name))
    assert [Path(file).name for file in expand([str(tmp_path / "day")])] == ["b.jsonl", "a.json"]


def test_parquet_with_structs_large_strings_and_dictionaries_is_read(tmp_path: Path) -> None:
    table = pyarrow.table(
        {
            "id": pyarrow.array([7], pyarrow.int64()),
            "content": pyarrow.array(["T."], pyarrow.large_string()),
            "source": pyarrow.array([{"name": "Post", "when": None}]),
            "language": pyarrow.array(["en"]).dictionary_encode(),
            "publish_date": pyarrow.array([1_723_455_000_000_000], pyarrow.timestamp("us", "UTC")),
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    assert read_all(tmp_path / "a.parquet").articles == [Article("7", "T.", None, "Post", None, 1723455000000, "en")]


RSS = """<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
<title>Harbour Post</title><language>en</language><item><guid>g1</guid><title>Bridge</title><link>http://hp.example/1</link>
<pubDate>Mon, 12 Aug 2024 09:30:00 GMT</pubDate><description>Short.</description>
<content:encoded><![CDATA[<p>The harbour bridge closed.</p><p>Two cables were damaged.</p>]]></content:encoded></item>
<item><guid>g2</guid><title>No text</title></item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Harbour Post</title><entry><id>e1</id><title>Bridge</title>
<link href="http://hp.example/1"/><updated>2024-08-12T09:30:00Z</updated><summary>Short text.</summary>
</entry></feed>"""


@pytest.mark.parametrize("name", ["a.rss", "a.xml"])
def test_feeds_are_read(tmp_path: Path, name: str) -> None:
    pytest.importorskip("feedparser", reason="feedparser is not installed (extra feeds)")
    chunk = read_all(write(tmp_path / name, RSS.encode()))
    assert chunk.articles == [Article("g1", BODY, "Bridge", "Harbour Post", "http://hp.example/1", 1723455000000, "en")]
    assert [refusal.reason for refusal in chunk.refusals] == ["text is missing"]
    atom = read_all(write(tmp_path / "b.xml", ATOM.encode())).articles[0]
    assert (atom.id, atom.text, atom.published) == ("e1", "Short text.", 1723455000000)
    bomb = RSS.replace("<rss", '<!DOCTYPE rss [<!ENTITY a "x">]><rss', 1)
    assert "entities" in read_all(write(tmp_path / "c.rss", bomb.encode())).refusals[0].reason


def warc_record(address: str, status: str, kind: str, body: str) -> bytes:
    http = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n\r\n{body}".encode()
    head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {address}\r\nWARC-Date: 2024-08-12T09:30:00Z\r\n"
    head += "WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-000000000000>\r\n"
    head += f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
    return head.encode() + http + b"\r\n\r\n"


def test_archives_of_the_web_are_read(tmp_path: Path) -> None:
    pytest.importorskip("warcio", reason="warcio is not installed (extra web)")
    pytest.importorskip("trafilatura", reason="trafilatura is not installed (extra web)")
    paragraph = "The harbour bridge was closed to all traffic on Monday after gusts damaged two of its cables. " * 4
    head = "<html><head><title>Bridge closed</title></head>"
    page = f"{head}<body><article><h1>Bridge closed</h1><p>{paragraph}</p></article></body></html>"
    pages = [("200 OK", "text/html", page), ("200 OK", "image/png", "x"), ("404 Not Found", "text/html", page)]
    records = [warc_record(f"http://hp.example/{number}", *each) for number, each in enumerate(pages)]
    write(tmp_path / "a.warc.gz", b"".join(map(gzip.compress, records)))
    chunk = read_all(tmp_path / "a.warc.gz")
    [article] = chunk.articles
    assert (article.id, article.url, "gusts damaged" in article.text) == (
        "http://hp.example/0",
        "http://hp.example/0",
        True,
    )
    assert article.published is not None
    cut = write(tmp_path / "b.warc.gz", (tmp_path / "a.warc.gz").read_bytes()[:-30])
    with pytest.raises(InputFailed):
        list(read([str(cut), str(write(tmp_path / "c.warc", b"no warc at all"))], limits=Limits(), mapping={}))


def test_documents_of_the_wire_are_recognised_and_named_by_their_file(tmp_path: Path) -> None:
    write(tmp_path / "1.xml", nitf().replace(b' id-string="hw-7"', b""))
    write(tmp_path / "2.xml", g2())
    write(tmp_path / "3.xml", g2(kind="picture"))
    write(tmp_path / "4.xml", b"<html/>")
    skipped: dict[str, int] = {}
    found: list[str] = []
    for chunk in read([str(tmp_path)], limits=Limits(), mapping={}, keep_lines=True):
        found += ids(chunk)
        skipped |= chunk.skipped
        assert [json.loads(line)["id"] for line in chunk.lines or ()] == ids(chunk)
        assert len(chunk.refusals) == 1
    assert (found, skipped) == (["1.xml", "tag:hw.example,2026:7"], {"picture": 1})


@contextmanager
def web(answers: dict[str, tuple[int, bytes]], stall: threading.Event | None = None) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if stall is not None:
                stall.wait(30)
            status, body = answers.get(self.path, (404, b""))
            asked.append(dict(self.headers))
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    asked: list[dict[str, str]] = []
    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        if stall is not None:
            stall.set()
        server.shutdown()
        thread.join()
        server.server_close()


def test_addresses_are_read_and_what_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with web({"/a.jsonl.gz": (200, gzip.compress(line_of("1")))}) as url:
        assert ids(read_all(f"{url}/a.jsonl.gz")) == ["1"]
        with pytest.raises(InputFailed, match="the answer was 404"):
            read_all(f"{url}/b.jsonl")
        with pytest.raises(UsageError, match="name each address"):
            read_all(f"{url}/*.jsonl")
    with pytest.raises(InputFailed, match=r"[Cc]onnection refused"):
        read_all("http://127.0.0.1:9/a.jsonl")


def test_a_host_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(remote, "_TIMEOUT_SECONDS", 0.2)
    with web({}, threading.Event()) as url, pytest.raises(InputFailed, match=r"no answer in 0\.2 seconds"):
        read_all(f"{url}/a.jsonl")


def test_other_addresses_are_read_by_fsspec() -> None:
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed (extra remote)")
    with fsspec.open("memory://day/a.jsonl", "wb") as stream:
        stream.write(line_of("1"))
    assert ids(read_all("memory://day/a.jsonl")) == ["1"]
    assert ids(read_all("memory://day/*.jsonl")) == ["1"]
    with pytest.raises(InputFailed, match="no such file"):
        read_all("memory://day/none.jsonl")
    with pytest.raises(InputFailed, match=r"extra 'remote'|rotocol"):
        read_all("nowhere://x/a.jsonl")


def test_the_nitf_of_ap_is_fetched_from_the_named_host_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with web({"/7": (200, nitf()), "/away": (302, b"")}) as url:
        links = [f"{url}/7", f"{url}/8", f"{url}/away", "http://elsewhere.example/7", "file:///etc/passwd"]
        items = [
            {"uri": str(k), "type": "text", "renditions": {"nitf": {"href": link}}} for k, link in enumerate(links)
        ]
        file = write(tmp_path / "ap.json", json.dumps({"data": {"items": [{"item": item} for item in items]}}).encode())
        key = write(tmp_path / "key", b"secret\n")
        out = tmp_path / "out.jsonl"
        option = f"{url.removeprefix('http://')}={key}"
        assert main(["dedupe", str(file), "--format", "ninjs", "--fetch-nitf", option, "-o", str(out)]) == 1
        assert [json.loads(line)["id"] for line in out.read_bytes().splitlines()] == ["0"]


ROWS = b"".join(line_of(str(n), f"Text {n} of the harbour bridge, which closed.") for n in range(3))


@pytest.mark.parametrize("name", ["o.jsonl", "o.jsonl.gz", "o.ndjson.zst", "o.csv", "o.tsv.gz", "o.parquet"])
def test_answers_are_written_in_the_format_of_their_ending(tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    assert main(["dedupe", str(write(tmp_path / "a.jsonl", ROWS)), "-o", str(out)]) == 0
    data = out.read_bytes()
    data = gzip.decompress(data) if name.endswith("gz") else data
    data = zstandard.ZstdDecompressor().decompressobj().decompress(data) if name.endswith("zst") else data
    if name.endswith("parquet"):
        found = pyarrow.parquet.read_table(out).to_pylist()
    elif "sv" in name:
        head, *lines = data.decode().splitlines()
        separator = "\t" if "tsv" in name else ","
        found = [dict(zip(head.split(separator), line.split(separator), strict=True)) for line in lines]
    else:
        found = [json.loads(line) for line in data.splitlines()]
    assert [row["id"] for row in found] == ["0", "1", "2"]
    assert set(found[0]) == {"id", "story", "canonical", "relation", "match", "score"}


@pytest.mark.parametrize("name", ["o.docx", "o.json", "o.parquet.gz", "o.xlsx.gz"])
def test_any_other_ending_is_refused(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dedupe", str(write(tmp_path / "a.jsonl", ROWS)), "-o", str(tmp_path / name)]) == 2
    assert "wirecopy writes .jsonl" in capsys.readouterr().err


def test_the_summary_comes_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "a.jsonl", ROWS + line_of("x", title=7) + b"{}\n")
    assert main(["dedupe", str(file), "-o", str(tmp_path / "o.csv"), "--json"]) == 1
    summary = json.loads(capsys.readouterr().out)
    assert (summary["articles"], summary["refused"], summary["left_out"], summary["skipped"]) == (4, 1, 1, {})


def test_repeated_refusals_are_told_ten_times_then_counted_with_the_fields_that_were_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = b"".join(json.dumps({"id": str(n), "prose": "T.", "byline": "B"}).encode() + b"\n" for n in range(990))
    assert (
        main(
            [
                "dedupe",
                str(write(tmp_path / "a.jsonl", lines)),
                "-o",
                str(tmp_path / "o.jsonl"),
                "--map",
                "title=head.line",
            ]
        )
        == 1
    )
    told = capsys.readouterr().err.splitlines()
    assert sum("text is missing" in line for line in told) == 11
    assert "… and 980 more like these: text is missing" in told
    assert any("these fields: id, prose, byline" in line for line in told)
    assert any("--map title=head.line matched nothing in 990 records" in line for line in told)
    assert len(told) == 14


def test_on_a_terminal_the_stories_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    body = f"{BODY} Some 22,000 cars cross it on a day, and the ferry will run twice an hour until they are mended."
    same = line_of("1", body, title="Bridge closed") + line_of("2", body, title="Closed bridge")
    file = write(tmp_path / "a.jsonl", same)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert main(["dedupe", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "One story in 2 articles" in shown
    assert "Closed bridge" in shown
