"""The page of the features is whole in itself, and safe whatever a project writes into its file."""

from datetime import UTC, datetime

from sagewright.cli.features.catalogue import Catalogue, Group, Ingested
from sagewright.cli.features.page import render
from sagewright.project import Project
from tests.cli.report.test_page import NASTY, Outline

NOW = datetime(2030, 1, 31, 12, tzinfo=UTC)
INGESTED = Ingested(10, 1, 5, "2030-01-31T11:00:00Z", datetime(2030, 1, 31, 10, tzinfo=UTC), {"wind": 0.5})


def page(project: Project, owner: str = "ml-team@example.com") -> Outline:
    sky = project.features["sky"]
    group = Group("sky", sky, "orders-sky-v2", owner, "orders", {"dev": "Created"}, INGESTED, ("orders (data.join)",))
    return Outline(render(project, Catalogue((group,), ("orders-sky-v1",)), "a sandbox", NOW))


def test_every_element_is_closed_and_every_link_leads_somewhere(written: Project) -> None:
    outline = page(written)
    assert outline.open == []
    places = {attributes.get("id") for _, attributes in outline.elements}
    assert {link.removeprefix("#") for link in outline.values("href") if link.startswith("#")} <= places
    assert not [each for each in outline.values("href") if not each.startswith(("#", "data:"))]
    assert outline.values("src") == []


def test_what_a_reader_looks_for_is_there(written: Project) -> None:
    text = " ".join(page(written).text.split())
    for part in ("sky v2", "2 h ago", "orders-sky-v2", "about 5", "1 rows", "50.0%", "miles", "orders (data.join)"):
        assert part in text
    assert "orders-sky-v1" in text


def test_texts_of_a_project_are_never_elements(written: Project) -> None:
    outline = page(written, owner=NASTY)
    assert NASTY in outline.text
    assert not [name for name, _ in outline.elements if name in ("img", "b", "script")]
