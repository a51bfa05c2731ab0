"""What an environment goes back to, decided by what runs and what the registry says, whatever has started it."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from sagewright.runtime.functions import rollback
from sagewright.runtime.functions.code_pipelines import Execution
from sagewright.runtime.functions.live import Live
from sagewright.runtime.functions.model_versions import APPROVED, REJECTED, RETIRED, Version
from sagewright.runtime.functions.refusal import Refused
from sagewright.runtime.functions.rollback import Choice, Found, Wish
from sagewright.runtime.functions.verified import Verified
from tests.runtime.functions.endpoint import IMAGE, version

WHEN = datetime(2026, 11, 20, tzinfo=UTC)


def wish(**asked: int | str) -> Wish:
    return Wish("prod", "somebody", "because", **asked)  # type: ignore[arg-type]


def here(
    running: int | None, proved: Sequence[int] = (), superseded: Sequence[int] = (), taken_back: Sequence[int] = ()
) -> Found:
    """An environment that runs a version; the latest proof first."""
    proofs = [Verified(each, version(each), f"config-{each}", "", "") for each in proved]
    now = Live(version(running), f"config-{running}") if running is not None else None
    return Found(now, proofs, superseded, {*taken_back})


def chosen(
    asked: Wish,
    found: Found,
    *,
    rejected: Sequence[int] = (),
    deleted: Sequence[int] = (),
    retired: Sequence[int] = (),
) -> Choice:
    def registered(number: int) -> Version | None:
        status = REJECTED if number in rejected else APPROVED
        stage = RETIRED if number in retired else None
        made = Version(number, version(number), status, WHEN, None, IMAGE, "", {}, stage=stage)
        return None if number in deleted else made

    return rollback.choose(asked, found, registered)


def number(choice: Choice) -> int | None:
    return choice.version.number if choice.version is not None else None


def test_the_version_that_was_verified_last_comes_back() -> None:
    choice = chosen(wish(leaving=4), here(4, proved=[3, 1], superseded=[3]))
    assert number(choice) == 3
    assert choice.told == "prod goes back to version 3, which was verified there."


def test_a_version_that_was_rejected_or_deleted_meanwhile_does_not_come_back() -> None:
    choice = chosen(wish(leaving=4), here(4, proved=[3, 2, 1]), rejected=[3], deleted=[2])
    assert number(choice) == 1


def test_the_same_wish_again_finds_nothing_to_do() -> None:
    before = here(4, proved=[4, 3])
    assert number(chosen(wish(leaving=4), before)) == 3
    after = here(3, proved=[3, 4])
    again = chosen(wish(leaving=4), after, rejected=[4])
    assert again.version is None
    assert not again.deletes
    assert again.told.startswith("Nothing to do in prod: version 3 serves there, was verified there")


def test_nothing_is_done_where_sagemaker_has_gone_back_by_itself() -> None:
    assert chosen(wish(leaving=4, promotion="p"), here(3, proved=[3])).version is None


def test_a_running_version_that_was_itself_rejected_does_not_stay_because_another_one_was_to_go() -> None:
    assert number(chosen(wish(leaving=4), here(3, proved=[3, 2]), rejected=[3, 4])) == 2


def test_what_an_earlier_failure_has_left_unproved_gives_way_to_what_was_proved() -> None:
    assert number(chosen(wish(leaving=4, promotion="p"), here(3, proved=[2]))) == 2


def test_a_version_from_before_there_were_proofs_stays_when_a_promotion_did_not_get_as_far() -> None:
    choice = chosen(wish(leaving=4, promotion="p"), here(3, superseded=[2]))
    assert choice.version is None
    assert not choice.deletes
    assert "version 3 serves there" in choice.told


def test_a_version_from_before_there_were_proofs_comes_back_where_the_new_one_has_to_go() -> None:
    choice = chosen(wish(leaving=4, promotion="p"), here(4, superseded=[3, 2]))
    assert number(choice) == 3
    assert choice.told == "prod goes back to version 3, which served there before."


@pytest.mark.parametrize("running", [None, 1])
def test_a_failed_first_release_is_taken_away(running: int | None) -> None:
    choice = chosen(wish(leaving=1, promotion="p"), here(running))
    assert choice.deletes
    assert "no endpoint remains" in choice.told


def test_the_only_version_that_ever_served_is_not_taken_away_with_its_service() -> None:
    with pytest.raises(Refused, match=r"no other version ever served there. Still version 1 serves. Approve a version"):
        chosen(wish(leaving=1), here(1, proved=[1]), rejected=[1])


def test_what_somebody_has_put_there_by_hand_is_not_taken_away() -> None:
    with pytest.raises(Refused, match="Still config by-hand of no release serves"):
        chosen(wish(leaving=1, promotion="p"), Found(Live(None, "by-hand"), [], []))


def test_where_every_other_version_is_rejected_what_serves_goes_on_and_somebody_has_to_decide() -> None:
    with pytest.raises(
        Refused, match=r"version 2 was deleted from the registry, version 1 is Rejected, version 0 is ret"
    ):
        chosen(wish(leaving=3), here(3, proved=[3, 2, 1, 0]), rejected=[3, 1], deleted=[2], retired=[0])


def test_what_was_taken_back_does_not_come_back_by_itself() -> None:
    found = here(2, proved=[2, 3, 1], taken_back=[3])
    assert number(chosen(wish(leaving=2), found)) == 1
    assert number(chosen(wish(leaving=2, version=3), found)) == 3
    with pytest.raises(Refused, match=r"version 3 was taken back\. Still version 2 serves.*as in `--to 3`"):
        chosen(wish(leaving=2), here(2, proved=[2, 3], taken_back=[3]))


def test_the_alternatives_that_are_offered_can_come_back() -> None:
    found = here(4, proved=[4, 3, 2, 1])
    with pytest.raises(Refused, match=r"Version 3 is retired: name another one: 1\.$"):
        chosen(wish(version=3), found, retired=[3, 2])
    with pytest.raises(Refused, match="no other one that was verified here can come back"):
        chosen(wish(version=3), found, retired=[3, 2], rejected=[1])


def test_the_version_that_is_named_comes_back() -> None:
    assert number(chosen(wish(version=1), here(3, proved=[3, 2, 1]))) == 1


def test_the_version_that_is_named_and_serves_already_changes_nothing() -> None:
    assert chosen(wish(version=3), here(3, proved=[3])).told == "Nothing to do: version 3 serves already."


@pytest.mark.parametrize(
    ("asked", "found", "why"),
    [
        (5, here(3, proved=[3, 4]), "Version 5 was never verified here, .* name another one: 4"),
        (2, here(3, proved=[3, 2]), "Version 2 is Rejected"),
        (1, here(3, proved=[3, 1]), "Version 1 was deleted from the registry"),
    ],
)
def test_a_version_that_is_named_has_to_have_proved_itself_and_to_be_approved(
    asked: int, found: Found, why: str
) -> None:
    with pytest.raises(Refused, match=why):
        chosen(wish(version=asked), found, rejected=[2], deleted=[1])


def test_a_wish_survives_the_variables_of_a_pipeline() -> None:
    asked = wish(leaving=4, promotion="execution-1")
    execution = Execution("rollback", "id", "InProgress", asked.variables)
    assert Wish.of("prod", execution) == asked
    assert asked.variables["Version"] == "none"


def test_a_variable_that_is_no_number_is_refused() -> None:
    execution = Execution("rollback", "id", "InProgress", {"Leaving": "four"})
    with pytest.raises(Refused, match="Variable Leaving is 'four': the number of a version is expected, or none"):
        Wish.of("prod", execution)


def test_nothing_goes_back_to_a_version_that_is_retired() -> None:
    found = here(3, proved=[3, 2, 1])
    assert number(chosen(wish(leaving=3), found, retired=[2])) == 1
    with pytest.raises(Refused, match="Version 2 is retired"):
        chosen(wish(version=2), found, retired=[2])
