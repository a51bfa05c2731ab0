from types import ModuleType

import pytest

from tests.documents import architecture_page, delivery_roles, sandbox_page


@pytest.mark.parametrize(
    "made", [architecture_page, delivery_roles, sandbox_page], ids=["architecture", "roles", "sandbox"]
)
def test_a_page_is_what_it_is_made_from(made: ModuleType) -> None:
    assert made.PAGE.read_text() == made.page(), f"{made.PAGE.name} is not fresh: run `make docs`"
