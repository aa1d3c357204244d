"""A day at a news desk, played to a running service: nine steps, and after each of them what the service says.

    wirecopy serve --data a-day                  # a new folder, in one terminal
    python docs/examples/a_day.py                # in another; or with the URL of a service elsewhere

Printed are the new events of the feed, all stories (newest first, * stands for its story) and what is to be recalled.
`DAY` states all of this beforehand, and what differs is printed too. You may kill the service between any two steps:
start it again on the same folder, and the day goes on. The articles, all invented, are in `a_day.json`.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from wirecopy import Client, errors

ARTICLES: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))


class Step(NamedTuple):
    """What is sent, by its name in `a_day.json`, or erased, by its id; and what is true afterwards."""

    time: str
    what: str
    sends: list[str]
    feed: list[str]
    stories: list[str]
    erases: str | None = None
    asks: Callable[[Client], str] | None = None
    answer: str | None = None


def ask_numbers(client: Client) -> str:
    """What a correction changed."""
    changes = client.revisions("agency-1")[-1].changes
    assert changes is not None
    return f"numbers of agency-1: {changes.numbers_dropped} became {changes.numbers_added}"


def ask_merged(client: Client) -> str:
    """Where the id of a story that was merged into another leads."""
    return f"who asks for s9 gets {client.story('s9').id}"


def ask_erased(client: Client) -> str:
    """What is left of an article that was erased."""
    try:
        return f"coast-1 is in {client.article('coast-1').story}"
    except errors.ServiceRefused as refused:
        return f"coast-1: {refused.status}"


DAY = [
    Step(
        "06:12",
        "The agency sends a story about a landslide.",
        sends=["slide"],
        feed=["1 created s0 by agency-1"],
        stories=["s0: agency-1*"],
    ),
    Step(
        "07:10",
        "Three outlets run it: word for word, trimmed, with a paragraph of their own.",
        sends=["slide in the Morning", "slide in the Coast", "slide in the Valley"],
        feed=["2 joined s0: morning-1", "3 joined s0: coast-1", "4 joined s0: valley-1"],
        stories=["s0: agency-1* morning-1 coast-1 valley-1"],
    ),
    Step(
        "09:20",
        "Another story's rewrite comes before its original.",
        sends=["theft in the Evening"],
        feed=["5 created s4 by evening-1"],
        stories=["s4: evening-1*", "s0: agency-1* morning-1 coast-1 valley-1"],
    ),
    Step(
        "09:50",
        "The original comes late and takes over; one more outlet trims it.",
        sends=["theft", "theft in the Morning"],
        feed=["6 joined s4: agency-2", "7 s4 is now that of agency-2, not of evening-1", "8 joined s4: morning-2"],
        stories=["s4: evening-1 agency-2* morning-2", "s0: agency-1* morning-1 coast-1 valley-1"],
    ),
    Step(
        "10:15",
        "A write-through corrects the number of passengers.",
        sends=["slide, write-through"],
        feed=["9 revised agency-1 of s0: revision 2"],
        stories=["s4: evening-1 agency-2* morning-2", "s0: agency-1* morning-1 coast-1 valley-1"],
        asks=ask_numbers,
        answer="numbers of agency-1: ('212',) became ('214',)",
    ),
    Step(
        "11:30",
        "Two papers print a half each of a story that is not here yet: nothing tells that they belong together.",
        sends=["bath in the Kurier", "bath in the Bote"],
        feed=["10 created s8 by kurier-1", "11 created s9 by bote-1"],
        stories=[
            "s9: bote-1*",
            "s8: kurier-1*",
            "s4: evening-1 agency-2* morning-2",
            "s0: agency-1* morning-1 coast-1 valley-1",
        ],
    ),
    Step(
        "11:45",
        "The whole text comes, and the two stories are one; the older id stays.",
        sends=["bath"],
        feed=["12 joined s8: agency-3", "13 merged s9 into s8", "14 s8 is now that of agency-3, not of kurier-1"],
        stories=[
            "s8: kurier-1 bote-1 agency-3*",
            "s4: evening-1 agency-2* morning-2",
            "s0: agency-1* morning-1 coast-1 valley-1",
        ],
        asks=ask_merged,
        answer="who asks for s9 gets s8",
    ),
    Step(
        "15:00",
        "The agency kills its story about the theft: it never happened.",
        sends=["theft, killed"],
        feed=[
            "15 revised agency-2 of s4: revision 2",
            "16 s4 is now that of evening-1, not of agency-2",
            "17 recalled agency-2 of s4, and with it evening-1 morning-2",
        ],
        stories=[
            "s8: kurier-1 bote-1 agency-3*",
            "s4: evening-1* agency-2 morning-2; recall evening-1 morning-2",
            "s0: agency-1* morning-1 coast-1 valley-1",
        ],
    ),
    Step(
        "17:30",
        "An outlet must have its text erased.",
        sends=[],
        erases="coast-1",
        feed=["18 deleted coast-1 from s0"],
        stories=[
            "s8: kurier-1 bote-1 agency-3*",
            "s4: evening-1* agency-2 morning-2; recall evening-1 morning-2",
            "s0: agency-1* morning-1 valley-1",
        ],
        asks=ask_erased,
        answer="coast-1: 404",
    ),
]


def take(client: Client, step: Step) -> Iterator[str]:
    """Does what happens in a step; -> a line for each article, once the service has it on disk."""
    for name in step.sends:
        verdict = client.put_article(ARTICLES[name])
        relation = f": {verdict.relation}, best match {verdict.match}" if verdict.match else ""
        yield f"{verdict.id} is in {verdict.story}{relation}"
    if step.erases is not None:
        client.delete_article(step.erases)
        yield f"{step.erases} is gone"


def describe_event(event: Any) -> str:
    """An event in one line."""
    story = event.story
    match event.type:
        case "created":
            what = f"created {story} by {event.article}"
        case "joined":
            what = f"joined {story}: {event.article}"
        case "merged":
            what = f"merged {event.other} into {story}"
        case "split":
            what = f"split {' '.join(event.articles)} from {story} into {event.other}"
        case "canonical_changed":
            what = f"{story} is now that of {event.article}, not of {event.previous}"
        case "revised":
            what = f"revised {event.article} of {story}: revision {event.revision}"
        case "recalled":
            what = f"recalled {event.article} of {story}, and with it {' '.join(event.articles)}"
        case _:
            what = f"deleted {event.article} from {story}"
    return f"{event.seq} {what}"


def describe_story(story: Any) -> str:
    """A story in one line: its articles as they came, * the one that stands for it, and what is to be recalled."""
    members = (member.id + "*" * member.canonical for member in story.members)
    recall = f"; recall {' '.join(story.recall)}" if story.recall else ""
    return f"{story.id}: {' '.join(members)}{recall}"


def apply(events: Iterable[Any]) -> dict[str, set[str]]:
    """-> the stories that a reader of the feed knows of, who saw nothing else: story -> its articles."""
    story_of: dict[str, str] = {}
    for event in events:
        match event.type:
            case "created" | "joined":
                story_of[event.article] = event.story
            case "merged":
                moved = [article for article, story in story_of.items() if story == event.other]
                story_of |= dict.fromkeys(moved, event.story)
            case "split":
                story_of |= dict.fromkeys(event.articles, event.other)
            case "deleted":
                del story_of[event.article]
    stories: dict[str, set[str]] = {}
    for article, story in story_of.items():
        stories.setdefault(story, set()).add(article)
    return stories


def play(client: Client, step: Step, after: int) -> Iterator[tuple[str, list[str], list[str]]]:
    """Takes a step; -> (heading, what is so, what was stated), `after` being the last event that was read before."""
    said = list(take(client, step))
    yield "", said, said
    yield "feed", [describe_event(event) for event in client.events(after).events], step.feed
    yield "stories", [describe_story(story) for story in client.stories()], step.stories
    if step.asks is not None and step.answer is not None:
        yield "", [step.asks(client)], [step.answer]


def main(url: str = "http://127.0.0.1:8080") -> int:
    """Plays the day; -> 1 where the service said something else than was stated."""
    with Client(url) as client:
        if client.events().events:
            print(f"{url} has articles already: start a service on a new folder, see the first lines of this file")
            return 1
        has_differed = False
        for step in DAY:
            print(f"\n{step.time}  {step.what}")
            for heading, found, stated in play(client, step, client.events().next):
                for k, line in enumerate(found):
                    print(f"       {heading if k == 0 else '':<8} {line}")
                if found != stated:
                    has_differed = True
                    print(f"       !        stated was: {stated}")
        replayed = apply(client.events(0).events)
        shown = {story.id: {member.id for member in story.members} for story in client.stories()}
        print(f"\nThe feed, read again from its beginning, gives the same stories: {replayed == shown}")
    return int(has_differed or replayed != shown)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
