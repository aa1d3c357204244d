"""Membership: which story each article belongs to, and who is in each story.

Most articles found a story and stay alone in it: then one number says so. Only a story with others in it is a list.
"""

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from wirecopy.detection.grouping.packed_rows import Numbers

_PART_BITS = 16
_PART = (1 << _PART_BITS) - 1
_ID = re.compile(r"s(0|[1-9][0-9]{0,17})(-[1-9][0-9]{0,4})?")
_KNOWN = 1 << 14  # ids that are not taken apart or put together anew


@lru_cache(_KNOWN)
def story_age(story: str) -> int:
    """Return what orders story ids by the moment in which they began."""
    number, dash, part = story[1:].partition("-")
    return int(number) << _PART_BITS | (min(int(part), _PART) if dash else 0)


@lru_cache(_KNOWN)
def _story_of_age(age: int) -> str:
    number, part = age >> _PART_BITS, age & _PART
    return f"s{number}-{part}" if part else f"s{number}"


class Membership(Mapping[int, str]):
    """The story of each article that is in one, and in `members` the articles of each story."""

    def __init__(self) -> None:
        self._ages = Numbers()  # the age of each article's story
        self._several: dict[int, list[int]] = {}  # members by age, of all stories but those whose founder is alone
        self._began = array("q")  # the ages of all stories, ascending, and of some that are gone
        self._stories = 0
        self.members = Members(self)

    def __len__(self) -> int:
        return len(self._ages)

    def __iter__(self) -> Iterator[int]:
        return iter(self._ages)

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and self._ages.get(number) >= 0

    def __getitem__(self, number: int) -> str:
        age = self._ages.get(number)
        if age == number << _PART_BITS:
            return f"s{number}"
        if age < 0:
            raise KeyError(number)
        return _story_of_age(age)

    @property
    def stories(self) -> int:
        """How many stories there are."""
        return self._stories

    def age(self, number: int) -> int:
        """Return what tells the story of an article from others, cheaper than its id; -1 for none."""
        return self._ages.get(number)

    def beside(self, number: int) -> Sequence[int]:
        """Return the members of the story that an article is in, in ascending order, with itself."""
        members = self._several.get(self._ages.get(number))
        return [number] if members is None else members

    def of(self, story: str) -> Sequence[int]:
        """Return the members of a story, in ascending order; none when there is none of that id."""
        return self._of(story_age(story))

    def _of(self, age: int) -> list[int]:
        members = self._several.get(age)
        if members is not None:
            return members
        founder = age >> _PART_BITS
        return [founder] if self._ages.get(founder) == age else []

    def put(self, number: int, story: str) -> int:
        """Put an article that is in no story into one; return how many are in it now."""
        founds = story == f"s{number}"
        age = number << _PART_BITS if founds else story_age(story)
        members = self._several.get(age) if founds else self._of(age)
        self._ages.put(number, age)
        if not members:
            self._begin(age)
            if not founds:
                self._several[age] = [number]
            return 1
        self._several[age] = members
        if members[-1] < number:
            members.append(number)
        else:
            members.insert(bisect_left(members, number), number)
        return len(members)

    def take(self, number: int) -> str | None:
        """Take an article out of its story; return that story, None when it is in none."""
        age = self._ages.pop(number)
        if age < 0:
            return None
        members = self._several.get(age, [number])
        del members[bisect_left(members, number)]
        self._stories -= not members
        if not members or (members == [age >> _PART_BITS] and not age & _PART):
            self._several.pop(age, None)
        return _story_of_age(age)

    def oldest(self) -> Iterator[str]:
        """Return the stories, oldest first."""
        return (_story_of_age(age) for age in self._began if self._of(age))

    def newest(self, before: str | None = None) -> Iterator[str]:
        """Return the stories, newest first, from the one before `before`; any string that a story might have as
        its id.
        """
        began = self._began
        at = len(began) if before is None else bisect_left(began, story_age(before))
        return (_story_of_age(began[k]) for k in range(at - 1, -1, -1) if self._of(began[k]))

    def _begin(self, age: int) -> None:
        self._stories += 1
        began = self._began
        if not began or began[-1] < age:
            began.append(age)
            if len(began) > 2 * self._stories + 64:
                self._began = array("q", [known for known in began if self._of(known)])
            return
        at = bisect_left(began, age)
        if began[at] != age:
            began.insert(at, age)


class Members(Mapping[str, Sequence[int]]):
    """The articles of each story in ascending order, by its id."""

    def __init__(self, membership: Membership) -> None:
        self._membership = membership

    def __len__(self) -> int:
        return self._membership.stories

    def __iter__(self) -> Iterator[str]:
        return self._membership.oldest()

    def __getitem__(self, story: str) -> Sequence[int]:
        members = self._membership.of(story) if _ID.fullmatch(story) else ()
        if not members:
            raise KeyError(story)
        return members
