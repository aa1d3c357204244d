"""How others group articles, at their best: MinHash-LSH with datasketch, and exhaustive TF-IDF cosine.

A peer gives, once per stream, every pair that some of its thresholds could join, with its similarity; thresholds, the
window and connected components are applied afterwards, so that all of them cost one computation. Raw results are kept
in a cache folder under names made of everything that they depend on.

Both get our words (`bench.words`): what most people write, `\\w+`, tears Hindi words apart and takes a Chinese sentence
for one word, which would hold against the peers what is only a bad tokeniser.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xxhash

from bench.articles import Article, day_of
from bench.words import words

WINDOW_DAYS = 14.0
NUM_PERM, SHINGLE_WIDTH = 128, 3
BLOCK_ROWS = 512  # rows of the similarity matrix that exist at a time


@dataclass(frozen=True)
class Links:
    """Pairs of article positions (int32, left > right) with their similarity (float32).

    Bit k of `proposed` (uint32) says that the peer set up for its k-th threshold compares this pair at all.
    """

    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    similarity: npt.NDArray[np.float32]
    proposed: npt.NDArray[np.uint32]


@dataclass(frozen=True)
class Peer:
    """A way of finding similar articles, with a sentence on how it is set up and the package that it comes from."""

    name: str
    package: str
    settings: str
    thresholds: tuple[float, ...]
    link: Callable[[Sequence[str], Sequence[float]], Links]


def group(peer: Peer, links: Links, days: npt.NDArray[np.float64], threshold: float) -> npt.NDArray[np.int64]:
    """Return a component number per article: those linked at the threshold and within the window, where dates say.

    `days` holds the day of each article, NaN when unknown; an unknown day is in everybody's window.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    bit = np.uint32(1 << peer.thresholds.index(threshold))
    # Half a unit in the last place of a float32 must not decide about a similarity that equals the threshold.
    joined = (links.similarity >= threshold - 1e-6) & (links.proposed & bit != 0)
    joined &= ~(np.abs(days[links.left] - days[links.right]) > WINDOW_DAYS)
    left, right = links.left[joined], links.right[joined]
    graph = coo_matrix((np.ones(len(left), np.int8), (left, right)), shape=(len(days), len(days)))
    _, component = connected_components(graph, directed=False)
    return np.asarray(component, np.int64)


def find_links(peer: Peer, articles: Sequence[Article], folder: Path) -> Links:
    """Return a peer's links over the texts of the articles, from the cache folder where they have been made before."""
    digest = xxhash.xxh64(f"{peer.settings} {peer.thresholds} {version(peer.package)}".encode())
    for article in articles:
        digest.update(f"{len(article.text)} {article.text}".encode(errors="surrogatepass"))
    path = folder / f"{peer.name}-{digest.hexdigest()}.npz"
    if not path.exists():
        links = peer.link([article.text for article in articles], peer.thresholds)
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, **vars(links))
        partial.replace(path)
    with np.load(path) as stored:
        return Links(stored["left"], stored["right"], stored["similarity"], stored["proposed"])


def days_of(articles: Iterable[Article]) -> npt.NDArray[np.float64]:
    """Return the day of each article, NaN when unknown."""
    return np.array([day_of(article) for article in articles], np.float64)


def shingles(text: str) -> set[bytes]:
    """Return the word shingles of a text; a text shorter than one shingle is its own."""
    found = words(text)
    last = max(1, len(found) - SHINGLE_WIDTH + 1)
    return {" ".join(found[start : start + SHINGLE_WIDTH]).encode(errors="surrogatepass") for start in range(last)}


def link_by_minhash(texts: Sequence[str], thresholds: Sequence[float]) -> Links:
    """Return what datasketch finds: for each threshold its LSH made for it, estimated Jaccard of what that proposes."""
    from datasketch import MinHash, MinHashLSH

    sketches = MinHash.bulk(map(shingles, texts), num_perm=NUM_PERM, hashfunc=xxhash.xxh32_intdigest)
    signatures = np.array([sketch.hashvalues for sketch in sketches])
    found: dict[int, int] = {}
    for bit, threshold in enumerate(thresholds):
        index = MinHashLSH(threshold=threshold, num_perm=NUM_PERM)
        for article, sketch in enumerate(sketches):
            near = np.array(index.query(sketch), np.int64)
            similar = near[np.mean(signatures[near] == signatures[article], axis=1) >= threshold]
            for other in similar.tolist():
                found[article << 32 | other] = found.get(article << 32 | other, 0) | 1 << bit
            index.insert(article, sketch)
    pairs = np.fromiter(found, np.int64, len(found))
    left, right = (pairs >> 32).astype(np.int32), (pairs & 0xFFFFFFFF).astype(np.int32)
    similarity = [np.mean(signatures[a] == signatures[b]) for a, b in zip(left, right, strict=True)]
    return Links(left, right, np.array(similarity, np.float32), np.fromiter(found.values(), np.uint32, len(found)))


def link_by_cosine(texts: Sequence[str], thresholds: Sequence[float]) -> Links:
    """Return all pairs of TF-IDF vectors (sublinear term frequency) whose cosine reaches the lowest threshold."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors = TfidfVectorizer(analyzer=words, sublinear_tf=True, dtype=np.float32).fit_transform(texts).tocsr()
    columns = vectors.T.tocsr()
    left, right, similarity = [], [], []
    for start in range(0, len(texts), BLOCK_ROWS):
        block = (vectors[start : start + BLOCK_ROWS] @ columns).tocoo()
        chosen = (block.data >= min(thresholds)) & (block.col < block.row + start)
        left.append(block.row[chosen] + start)
        right.append(block.col[chosen])
        similarity.append(block.data[chosen])
    found = np.concatenate(similarity).astype(np.float32)
    everything = np.full(len(found), (1 << len(thresholds)) - 1, np.uint32)
    return Links(np.concatenate(left).astype(np.int32), np.concatenate(right).astype(np.int32), found, everything)


DATASKETCH = Peer(
    name="datasketch",
    package="datasketch",
    settings="MinHashLSH per threshold, 128 permutations, xxh32, word 3-shingles, estimated Jaccard checked",
    thresholds=(0.7, 0.5, 0.3, 0.15, 0.1, 0.08),
    link=link_by_minhash,
)
TFIDF = Peer(
    name="tfidf",
    package="scikit-learn",
    settings="all pairs, cosine of TF-IDF over words, sublinear term frequency, fitted on the stream itself",
    thresholds=(0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7),
    link=link_by_cosine,
)
PEERS = (DATASKETCH, TFIDF)
