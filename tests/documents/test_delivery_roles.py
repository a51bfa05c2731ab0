"""Nothing is allowed to a role of delivery that is not explained."""

from tests.documents import delivery_roles


def test_every_permission_of_delivery_has_a_reason_and_every_reason_a_permission() -> None:
    allowed = delivery_roles.allowed()
    reasons = {each.why for each in allowed}

    assert len({each.role for each in allowed}) == 12
    assert reasons == set(delivery_roles.WHY.values())


def test_the_table_has_a_row_for_every_statement_and_no_name_that_changes_with_the_tool() -> None:
    rows = delivery_roles.table().splitlines()

    assert len(rows) == 2 + len(delivery_roles.allowed())
    assert "<tools>.zip" in "".join(rows)
