"""The stories of archives that no one machine holds: Spark moves, today's kernels compare. Needs the extra `spark`.

    import wirecopy.spark
    rows = wirecopy.spark.dedupe(articles)      # DataFrames: id, text, published, ... -> id, story, canonical, ...

- `plan`: the stages in order, each kept in a folder of checkpoints; begin here
- `articles`: inputs or a DataFrame -> numbered traces; words counted ahead
- `candidates`: keys -> postings -> candidates
- `matches`: candidates and the traces that they need -> matches
- `components`: matches -> which articles are connected
- `stories`: each component by itself -> the rows of the output

The same input order and settings give the same output, byte for byte, as `wirecopy dedupe` on one machine.
"""

from typing import TYPE_CHECKING, Any

from wirecopy.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from wirecopy.config import Config

__all__ = ["dedupe"]


def dedupe(articles: "DataFrame", config: "Config | None" = None, **options: Any) -> "DataFrame":
    """Return the stories of a DataFrame's articles, one row each: number, id, story, canonical, relation, match, score.

    Columns are the fields of `wirecopy dedupe`: id and text, and any of title, source, published, language, status and
    embargoed. Articles come in the order of the DataFrame's partitions and rows; `number` is that order. Rows that are
    no articles are left out. `options`: see `plan.Options`. Raises UsageError where pyspark is not installed.
    """
    try:
        from wirecopy.spark import plan
    except ImportError as error:
        raise UsageError("this needs Spark: pip install 'wirecopy[spark]', and Java 17") from error
    return plan.dedupe_frame(articles, config, plan.Options(**options))
