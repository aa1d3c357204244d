"""Credits: what a text names as its source, in the languages of the prior."""

import pytest

from wirecopy.detection.words.credit_names import agency_names, agency_of
from wirecopy.detection.words.credits import MOST_NAMES, CreditNames
from wirecopy.detection.words.text import trace
from wirecopy.schema.normal_form import composed

OUTLETS = ("washingtonpost.com", "spiegel.de", "Harbour Ledger", "cnn.com", "harbour-ledger")


def credits_of(text: str, *sources: str, own: str | None = None) -> list[tuple[str, str]]:
    names = CreditNames(composed)
    for source in sources:
        names.add(source)
    return [(credit.name, credit.kind) for credit in names.find(text, trace([text]).words, own)]


@pytest.mark.parametrize(
    ("text", "agency"),
    [
        ("LEER (Reuters) - The harbour bridge was closed on Monday.", "Reuters"),
        ("By ANNA HOLM, Associated Press\nThe harbour bridge was closed.", "AP"),
        ("The bridge was closed.\nThe Associated Press contributed to this report.", "AP"),
        ("The bridge was closed. (With inputs from PTI)", "PTI"),
        ("Copyright 2026 The Associated Press. All rights reserved.", "AP"),
        ("Die Brücke ist zu. (dpa)", "dpa"),
        ("Die Brücke ist zu. dpa/afp", "dpa"),
        ("Die Brücke ist zu.\nQuelle: dpa", "dpa"),
        ("ROMA (ANSA) - Il ponte è chiuso da lunedì.", "ANSA"),
        ("ANKARA (AA) - Köprü pazartesi günü kapatıldı.", "Anadolu"),
        ("Jakarta (ANTARA) - Jembatan ditutup.", "Antara"),
        ("МОСКВА, 23 ноя — РИА Новости. Мост закрыт.", "RIA Novosti"),
        ("МОСКВА, 5 мая. /ТАСС/. Мост закрыли.", "TASS"),
        ("القاهرة - رويترز - أغلق الجسر يوم الاثنين", "Reuters"),
        ("नई दिल्ली, 5 मई (भाषा) पुल बंद किया गया", "PTI"),
        ("新华社北京11月23日电 大桥关闭", "Xinhua"),
        ("LEER (Agence France-Presse) — Le pont est fermé.", "AFP"),
    ],
)
def test_a_dateline_or_a_signature_says_whose_text_it_is(text: str, agency: str) -> None:
    assert (agency, "wire") in credits_of(text)


@pytest.mark.parametrize(
    ("text", "agency"),
    [
        ("The engineer told Reuters that the bridge was rusty.", "Reuters"),
        ("The bridge is rusty, Reuters first reported on Monday.", "Reuters"),
        ("In an interview with the Associated Press she said so.", "AP"),
        ("Das sagte sie der Nachrichtenagentur dpa am Montag.", "dpa"),
        ("Wie Reuters berichtet, ist die Brücke zu.", "Reuters"),
        ("Elle a déclaré à l’AFP que le pont était fermé.", "AFP"),
        ("La ingeniera dijo a EFE que el puente está cerrado.", "EFE"),
        ("Lo ha detto all'ANSA il sindaco.", "ANSA"),
        ("Segundo a agência Lusa, a ponte fechou.", "Lusa"),
        ("Most jest zamknięty, podaje PAP, według PAP nie ma rannych.", "PAP"),
        ("Об этом сообщает ТАСС.", "TASS"),
        ("Со ссылкой на Интерфакс пишут газеты.", "Interfax"),
        ("Bakan, Reuters'a konuştu.", "Reuters"),
        ("Katanya kepada Reuters, jembatan ditutup.", "Reuters"),
        ("قال المهندس لرويترز إن الجسر أغلق", "Reuters"),
        ("ذكرت وكالة فرانس برس أن الجسر أغلق", "AFP"),
        ("अधिकारी ने समाचार एजेंसी एएनआई को बताया कि पुल बंद है", "ANI"),
        ("据路透社报道，大桥关闭。", "Reuters"),
        ("ロイター通信によると、橋は閉鎖された。", "Reuters"),
        ("연합뉴스에 따르면 다리는 폐쇄됐다.", "Yonhap"),
    ],
)
def test_who_is_said_to_have_reported_or_been_told_is_credited(text: str, agency: str) -> None:
    assert credits_of(text) == [(agency, "reported")]


@pytest.mark.parametrize(
    "text",
    [
        "Shares of Thomson Reuters rose on Monday.",
        "AP classes are hard in Virginia.",
        "The state (AP) has a new chief minister.",
        "WASHINGTON — The president (AP Photo/Anna Holm) spoke.",
        "In a Reuters/Ipsos poll 45 percent were against it.",
        "He told efe and dpa jokes; an ap is a program.",
        "The harbour bridge was closed to all traffic on Monday.",
        "",
    ],
)
def test_a_mention_is_no_credit(text: str) -> None:
    assert credits_of(text) == []


def test_an_outlet_is_credited_once_it_is_a_source_in_the_stream() -> None:
    text = "According to The Washington Post, and first reported by the Harbour Ledger, the bridge is rusty."
    assert credits_of(text) == []
    found = credits_of(text, *OUTLETS[:4])
    assert found == [("washingtonpost.com", "reported"), ("Harbour Ledger", "reported")]
    assert credits_of("Das berichtet der Spiegel.", *OUTLETS) == [("spiegel.de", "reported")]
    assert credits_of("He told CNN so.", "cnn.com", own="edition.example") == [("cnn.com", "reported")]


def test_an_outlet_is_credited_no_more_when_its_last_article_is_gone() -> None:
    names, text = CreditNames(composed), "She told the Harbour Ledger so."
    words = trace([text]).words
    for _ in range(2):
        names.add("Harbour Ledger")
    names.remove("Harbour Ledger")
    assert [credit.name for credit in names.find(text, words)] == ["Harbour Ledger"]
    names.remove("Harbour Ledger")
    assert names.find(text, words) == ()
    names.add("Harbour Ledger")
    names.remove("Harbour Ledger")  # before it was looked for
    assert names.find(text, words) == ()


def test_which_names_are_known_does_not_depend_on_the_order_in_which_they_came() -> None:
    text = "She told the Harbour Ledger and the Washington Post so, according to The Washington Post."
    assert credits_of(text, *OUTLETS) == credits_of(text, *reversed(OUTLETS)) != []


def test_an_article_does_not_credit_its_own_source() -> None:
    text = "LEER (Reuters) - The engineer told Reuters so, and told CNN."
    assert credits_of(text, "cnn.com", own="reuters.com") == [("cnn.com", "reported")]
    assert credits_of(text, "cnn.com", own="cnn.com") == [("Reuters", "wire")]


def test_agencies_are_known_by_the_names_and_domains_of_their_feeds() -> None:
    assert [agency_of(source) for source in ("www.reuters.com", "Associated Press", "İHA", "新華社", "elsewhere")] == [
        "Reuters", "AP", "İHA", "Xinhua", None,
    ]  # fmt: skip


def test_composed_and_decomposed_letters_are_the_same() -> None:
    assert credits_of("A ponte fechou, segundo a Age\u0302ncia Lusa.".replace("ê", "e\u0302"))[0][0] == "Lusa"


def test_a_text_that_names_everybody_takes_time_in_proportion_to_its_length() -> None:
    everybody = " ".join(name.spelt for name in agency_names())
    assert len(credits_of(f"told {everybody} " * 50)) <= MOST_NAMES
