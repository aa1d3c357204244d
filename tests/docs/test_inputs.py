"""docs/inputs.md says what the code reads."""

from bench import make_inputs
from wirecopy.files.inputs import ENDINGS, SCHEMAS
from wirecopy.schema.formats.known import FORMATS


def test_the_page_is_made_from_the_definitions_that_the_code_reads_by() -> None:
    assert make_inputs.FILE.read_text(encoding="utf-8") == make_inputs.text(), "run python -m bench.make_inputs"


def test_every_format_and_ending_is_on_the_page() -> None:
    page = make_inputs.text()
    for ending in ENDINGS:
        assert f"`.{ending}`" in page
    for form in FORMATS:
        assert form.name in SCHEMAS
        assert all(media_type in page for media_type in form.media_types)
