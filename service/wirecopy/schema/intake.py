"""Tolerant intake, in one place: records of any feed -> articles.

`names` finds our fields in them. An optional field that cannot be read costs the field, not the article: it is left out
with a warning, unless the intake is strict.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Any

from wirecopy import config
from wirecopy.config import Limits
from wirecopy.errors import ConfigError, InvalidArticle
from wirecopy.schema.article import FIELDS, Article, build, decode
from wirecopy.schema.dates import parse_zone
from wirecopy.schema.names import FieldNames, text_in

_MOST_TOLD = 30  # names that are told as found


class IntakeParser(FieldNames):
    """Reads records into articles. `seen` counts them; `found` the names of those that were no articles."""

    def __init__(
        self,
        limits: Limits,
        mapping: Mapping[str, str] | None = None,
        *,
        zone: tzinfo = UTC,
        is_strict: bool = False,
    ) -> None:
        """Find fields: `mapping` gives the path of a field, `zone` is assumed for times without one; see above
        for `is_strict`.
        """
        super().__init__(mapping)
        self.limits = limits
        self.zone = zone
        self.is_strict = is_strict
        self.found: Counter[str] = Counter()

    @classmethod
    def of(cls, limits: Limits, settings: config.Intake, **mapping: str) -> "IntakeParser":
        """Return the intake that is set, with further entries of the mapping. Raises ConfigError."""
        unknown = [name for name in settings.map if name not in FIELDS]
        if unknown:
            expected = f"an article has no field {unknown[0]!r}, only {', '.join(FIELDS)}"
            raise ConfigError("configuration", "intake.map", expected)
        try:
            zone = parse_zone(settings.zone)
        except ValueError as error:
            raise ConfigError("configuration", "intake.zone", str(error)) from None
        return cls(limits, {**settings.map, **mapping}, zone=zone, is_strict=settings.strict)

    def parse(self, data: bytes, warnings: list[str], article_id: str | None = None) -> Article:
        """Return the article that `data`, one JSON object, describes; what was left out is added to `warnings`.

        `article_id` is the id of a record that may leave it out; under its own name it must be the same. Raises
        MalformedArticle or InvalidArticle.
        """
        return self.read(decode(data, self.limits), warnings, article_id)

    def read(self, fields: Mapping[str, Any], warnings: list[str], article_id: str | None = None) -> Article:
        """Return the article that decoded fields describe; as `parse`. Raises InvalidArticle."""
        values, labels = self.resolve(fields)
        if article_id is not None:
            if labels[0] == "id" and values[0] is not None and str(values[0]) != article_id:
                raise InvalidArticle("id differs from the one in the path")
            values[0] = article_id
        try:
            values[1] = text_in(values[1], labels[1])
            return build(values, self.limits, labels, self.zone, None if self.is_strict else warnings.append)
        except InvalidArticle:
            self._note(fields)
            raise

    def names_found(self) -> list[str]:
        """Return the names, the most frequent first, that records had which were no articles."""
        return [name for name, _ in self.found.most_common(_MOST_TOLD)]

    def _note(self, fields: Mapping[str, Any]) -> None:
        if len(self.found) < 10 * _MOST_TOLD:
            self.found.update([str(name)[:60] for name in list(fields)[:100]])
