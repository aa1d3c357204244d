"""Makes prior.npz: how likely an article is to contain each of the frequent words of many languages.

    pip install -e '.[bench]' && python -m bench.make_prior

The word frequencies are those of the `wordfreq` package (Robyn Speer, wordfreq 3.1, 2023), whose data is available
under CC BY-SA 4.0; prior.npz, being derived from them, is under the same licence (see LICENSE-prior.txt beside it).
A word of frequency f per token stands in an article of 400 words with probability 1 - (1 - f) ** 400, halved for
burstiness. Where languages share a word, the largest probability counts. Languages written without spaces are kept
as character pairs, the way wirecopy cuts them: pairs within words plus pairs across a word boundary, taken as
independent.
"""

import collections
import heapq
from pathlib import Path

import numpy as np
import wordfreq

from wirecopy.detection.kernels.layout import HASH
from wirecopy.detection.words import text

WORDS_PER_LANGUAGE = 8000
ARTICLE_WORDS = 400
PAIRED = ("zh", "ja")
STEPS_PER_NAT = 16
# Languages whose letters are folded by what a text shows of its language: words that show it, and how many they are.
SHOWN = {"de": ("ü ß ß ", 3), "da": ("æ ø ", 2), "nb": ("æ ø ", 2), "mk": ("ј ј ", 2)}


def pair_frequencies(words: dict[str, float]) -> dict[str, float]:
    """Return frequencies of character pairs, per character, in running text of a script without spaces."""
    pairs: collections.defaultdict[str, float] = collections.defaultdict(float)
    starts: collections.defaultdict[str, float] = collections.defaultdict(float)
    ends: collections.defaultdict[str, float] = collections.defaultdict(float)
    for word, frequency in words.items():
        starts[word[0]] += frequency
        ends[word[-1]] += frequency
        for k in range(len(word) - 1):
            pairs[word[k : k + 2]] += frequency
    for end, p in _most_frequent(ends, 800):
        for start, q in _most_frequent(starts, 800):
            pairs[end + start] += p * q
    return dict(_most_frequent(pairs, 3 * WORDS_PER_LANGUAGE))


def _most_frequent(frequencies: dict[str, float], count: int) -> list[tuple[str, float]]:
    return heapq.nlargest(count, frequencies.items(), key=lambda item: item[1])


def main() -> None:
    best: dict[int, float] = {}
    languages = sorted(wordfreq.available_languages("small"))
    for language in languages:
        frequencies = wordfreq.get_frequency_dict(language, "best")
        if language in PAIRED:
            frequencies = pair_frequencies(frequencies)
            length = 600
        else:
            frequencies = dict(list(frequencies.items())[:WORDS_PER_LANGUAGE])
            length = ARTICLE_WORDS
        shown, before = SHOWN.get(language, ("", 0))
        traced = text.trace([shown + word for word in frequencies])
        for k, frequency in enumerate(frequencies.values()):
            for word in traced[k].tolist()[before:]:
                p = (1 - (1 - min(frequency, 1.0)) ** length) / (2 if frequency < 0.002 else 1)
                key = word & HASH
                best[key] = max(best.get(key, 0.0), p)
    words = np.array(sorted(best), dtype=np.uint32)
    rarity = -np.log(np.array([best[int(word)] for word in words]))
    steps = np.clip(np.round(rarity * STEPS_PER_NAT), 0, 255).astype(np.uint8)
    target = Path(__file__).parent.parent / "service" / "wirecopy" / "data" / "prior.npz"
    np.savez_compressed(target, words=words, rarity=steps)
    print(f"{target}: {len(languages)} languages, {len(words)} words, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
