"""Whatever a user changes in a declared group is done in place, or refused with the key that asks for it and a way out.

What is deployed and what would be are the templates of the two project files, as the stack writes them.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sagewright.app import empty
from sagewright.cli import adoption, protection
from sagewright.cli.assembly import PlannedStack
from sagewright.cli.changes import FEATURE_GROUP, Change, StackChanges
from sagewright.cli.errors import CommandError
from sagewright.cli.features import safe_change
from sagewright.project import Project, load
from sagewright.stacks.data import DataStack
from sagewright.stacks.place import Place

TEXT = """\
name: trips
environments:
  dev: {region: eu-west-1}
  prod: {region: eu-west-1}
data: {source: s3://bucket/trips/, problem: binary_classification, label: late}
features:
  sky:
    description: What is above
    record_id: station
    event_time: observed
    features:
      wind: fractional
      gust: {type: fractional, description: How far one sees, unit: miles}
      cover: string
    online: {time_to_live: {value: 30, unit: days}}
training: {code: src/churn}
evaluation: {minimum: 0.55}
"""

Resources = dict[str, Any]
Deployed = Callable[[str], Resources]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's folder, without a project file."""
    folder = tmp_path_factory.mktemp("trips")
    (folder / "src" / "churn").mkdir(parents=True)
    (folder / "src" / "churn" / "__init__.py").write_text("def fit(X, y, hyperparameters):\n    return None\n")
    return folder


def project_of(folder: Path, text: str) -> Project:
    (folder / "project.yaml").write_text(text)
    return load(folder)


def resources_of(project: Project, environment: int = 0) -> Resources:
    """The resources of an environment's data stack, as a deployment would send them."""
    app = empty()
    stack = DataStack(app, place=Place.of(project, project.environments[environment]))
    stack.keep_features(project)
    return app.synth().get_stack_by_name(stack.stack_name).template["Resources"]


@pytest.fixture(scope="module")
def base(folder: Path) -> Resources:
    """What is deployed."""
    return resources_of(project_of(folder, TEXT))


def planned_of(project: Project, wanted: Resources, deployed: Resources) -> StackChanges:
    stack = PlannedStack("trips-dev-data", project.first, project.root / "none", {}, "")
    vars(stack)["template"] = {"Resources": wanted}
    return StackChanges(stack, deployed=deployed)


@pytest.fixture
def refusals(folder: Path, base: Resources) -> Callable[[str], list[str]]:
    """Change the declaration that is deployed; returns what is refused, as it is told."""

    def refusals(text: str) -> list[str]:
        project = project_of(folder, text)
        planned = planned_of(project, resources_of(project), base)
        return [safe_change.told([each], project) for each in safe_change.refused(planned, project)]

    return refusals


IN_PLACE = {
    "a feature is added": TEXT.replace("cover: string", "cover: string\n      sight: fractional"),
    "a feature is added between others": TEXT.replace("wind:", "sight: fractional\n      wind:"),
    "features change their order": TEXT.replace("      cover: string\n", "").replace(
        "wind:", "cover: string\n      wind:"
    ),
    "the time to live changes": TEXT.replace("value: 30", "value: 60"),
    "the throughput is provisioned": TEXT.replace(
        "    record_id:", "    throughput: {reads: 5, writes: 5}\n    record_id:"
    ),
    "the group's description changes": TEXT.replace("What is above", "What is high above"),
    "a feature's description and unit change": TEXT.replace("How far", "So far").replace("miles", "km"),
    "the source changes": TEXT.replace("    record_id:", "    source: s3://bucket/sky/\n    record_id:"),
    "tags of the project change": TEXT.replace("data:", "tags: {team: sky}\ndata:"),
    "a group is added": TEXT.replace(
        "features:\n", "features:\n  sea: {record_id: a, event_time: b, features: {c: string}}\n", 1
    ),
    "a new version is made": TEXT.replace("    record_id:", "    version: 2\n    record_id:").replace("wind:", "w:"),
}


@pytest.mark.parametrize("text", IN_PLACE.values(), ids=IN_PLACE)
def test_what_a_group_can_take_is_deployed_as_it_is(refusals: Callable[[str], list[str]], text: str) -> None:
    assert refusals(text) == []


ANEW = "or make a new group of it: write `version: 2`, deploy, and fill it with `sagewright features migrate sky"
REFUSED = {
    "a feature is removed": (
        TEXT.replace("      cover: string\n", ""),
        (
            "project.yaml:11: features.sky.features.cover: 'cover' is in trips-sky-v1 and not declared any more, and "
            f"no feature leaves a group; declare it again, {ANEW}`."
        ),
    ),
    "a feature is renamed": (
        TEXT.replace("cover:", "clouds:"),
        f"declare it again, {ANEW} --rename cover=clouds`.",
    ),
    "a feature gets another type": (
        TEXT.replace("cover: string", "cover: fractional"),
        (
            "project.yaml:14: features.sky.features.cover: 'cover' is string in trips-sky-v1, and no feature changes "
            f"its type; declare it so, {ANEW}`."
        ),
    ),
    "another column is the record id": (
        TEXT.replace("record_id: station", "record_id: cover").replace(
            "cover: string", "cover: string\n      station: string"
        ),
        (
            f"sky.record_id: 'cover' is not the record id of trips-sky-v1, which is station and never changes; "
            f"write station, {ANEW}`."
        ),
    ),
    "another column is the event time": (
        TEXT.replace("event_time: observed", "event_time: cover").replace(
            "cover: string", "cover: string\n      observed: string"
        ),
        (
            f"sky.event_time: 'cover' is not the event time of trips-sky-v1, which is observed and never changes; "
            f"write observed, {ANEW}`."
        ),
    ),
    "the online store is left out": (
        TEXT.replace("online: {time_to_live: {value: 30, unit: days}}", "online: false"),
        f"sky.online: trips-sky-v1 has an online store, and never loses it; leave out `online: false`, {ANEW}`.",
    ),
    "the offline store is left out": (
        TEXT.replace("    record_id:", "    offline: none\n    record_id:"),
        f"sky.offline: trips-sky-v1 has an offline store, and never loses it; leave out `offline: none`, {ANEW}",
    ),
    "the offline store gets another format": (
        TEXT.replace("    record_id:", "    offline: iceberg\n    record_id:"),
        "features.sky.offline: the table of trips-sky-v1 is of format Glue, and never of another one; write glue, or",
    ),
    "the time to live is left out": (
        TEXT.replace("    online: {time_to_live: {value: 30, unit: days}}\n", ""),
        (
            "sky.online: trips-sky-v1 has a time to live, which CloudFormation changes but does not take away; "
            f"write a long one, {ANEW}`."
        ),
    ),
    "more features are added than SageMaker takes at once": (
        TEXT.replace("cover: string", "cover: string\n" + "".join(f"      f{each}: string\n" for each in range(101))),
        "sky.features: 101 new features are more than SageMaker takes at once (at most 100); deploy the others",
    ),
    "two kinds of change come together": (
        TEXT.replace("cover: string", "cover: string\n      sight: fractional").replace("value: 30", "value: 60"),
        (
            "features.sky.online.time_to_live: features and online.time_to_live of trips-sky-v1 change together, and "
            "SageMaker changes one at a time; deploy without one of them first"
        ),
    ),
}


@pytest.mark.parametrize(("text", "told"), REFUSED.values(), ids=REFUSED)
def test_what_would_make_another_group_is_refused_with_the_way_out(
    refusals: Callable[[str], list[str]], text: str, told: str
) -> None:
    assert any(told in each for each in refusals(text)), refusals(text)


def test_an_online_store_that_a_group_never_had_is_refused(folder: Path) -> None:
    without = TEXT.replace("online: {time_to_live: {value: 30, unit: days}}", "online: false")
    deployed = resources_of(project_of(folder, without))
    project = project_of(folder, TEXT)

    (refusal,) = safe_change.refused(planned_of(project, resources_of(project), deployed), project)

    assert refusal.key == ("features", "sky", "online")
    assert refusal.message.startswith("trips-sky-v1 has no online store, and gets none later; write `online: false`")


SURROUNDINGS = [
    (
        ("OnlineStoreConfig", "SecurityConfig", "KmsKeyId"),
        "the online store of trips-sky-v1 would be encrypted with an",
    ),
    (
        ("OfflineStoreConfig", "S3StorageConfig", "KmsKeyId"),
        "the offline store of trips-sky-v1 would be encrypted with",
    ),
    (("OfflineStoreConfig", "S3StorageConfig", "S3Uri"), "the offline store of trips-sky-v1 would be elsewhere, and"),
    (("RoleArn",), "RoleArn of trips-sky-v1 would be another one, and it never changes"),
    (("Description",), "Description of trips-sky-v1 would be another one, and it never changes"),
]


@pytest.mark.parametrize(("path", "told"), SURROUNDINGS, ids=[".".join(path) for path, _ in SURROUNDINGS])
def test_another_encryption_or_place_of_a_group_is_refused(
    folder: Path, base: Resources, path: tuple[str, ...], told: str
) -> None:
    project = project_of(folder, TEXT)
    wanted = resources_of(project)
    (group,) = [each for each in wanted.values() if each["Type"] == FEATURE_GROUP]
    place = group["Properties"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = "another"

    (refusal,) = safe_change.refused(planned_of(project, wanted, base), project)

    assert refusal.message.startswith(told)


def test_a_later_environment_is_held_to_the_same(folder: Path) -> None:
    deployed = resources_of(project_of(folder, TEXT), environment=1)
    project = project_of(folder, TEXT.replace("cover: string", "cover: fractional"))

    (refusal,) = safe_change.refused(planned_of(project, resources_of(project, 1), deployed), project)

    assert (refusal.feature_group, refusal.key) == ("trips-sky-v1-prod", ("features", "sky", "features", "cover"))


def test_a_refused_declaration_stops_every_deployment(folder: Path, base: Resources) -> None:
    project = project_of(folder, TEXT.replace("      cover: string\n", ""))
    planned = planned_of(project, resources_of(project), base)

    with pytest.raises(CommandError, match=r"^Refused, because .* project.yaml:11: .* Nothing was deployed"):
        protection.refuse_losses([planned], project)


def _gone(project: Project, action: Any, kind: str = FEATURE_GROUP) -> StackChanges:
    planned = planned_of(project, {}, {})
    return StackChanges(planned.stack, changes=(Change(planned.stack, action, "Sky", kind, "trips-sky-v2"),))


def test_a_group_that_leaves_the_file_stays_and_is_told_with_the_way_back(folder: Path) -> None:
    project = project_of(folder, TEXT)
    planned = _gone(project, "let go")

    protection.refuse_losses([planned, _gone(project, "let go", adoption.CATALOG)], project)

    assert safe_change.left_behind(planned, project) == (
        "trips-sky-v2 is no longer declared: it stays in the account with everything in it, and costs what it did, but "
        "nothing is ingested into it any more. To take it back, declare features.sky with `version: 2` and run "
        "`sagewright deploy --adopt`."
    )


def test_a_version_that_another_one_follows_is_told_with_what_a_live_model_reads(folder: Path) -> None:
    project = project_of(folder, IN_PLACE["a new version is made"].replace("version: 2", "version: 3"))

    assert safe_change.left_behind(_gone(project, "let go"), project) == (
        "trips-sky-v2 is followed by version 3 of features.sky: it stays in the account with everything in it, and "
        "costs what it did, but from now on ingestion writes version 3 alone. A live model that was trained on version "
        "2 of sky goes on reading that one, whose records get ever older, until a model that was trained on version 3 "
        "is released. After the deployment run `sagewright features migrate sky`, then `sagewright train`, and release "
        "what comes of it. To keep trips-sky-v2 fed until then, write to it through the API, or stay at `version: 2`."
    )


def test_a_group_that_would_be_deleted_or_replaced_is_refused(folder: Path) -> None:
    project = project_of(folder, TEXT)

    with pytest.raises(CommandError, match="would be replaced by a new and empty one; every record of its features"):
        protection.refuse_losses([_gone(project, "replace")], project)
    with pytest.raises(CommandError, match=r"would be deleted, .* deploy once with `removal: retain`"):
        protection.refuse_losses([_gone(project, "remove")], project)


def _described(resources: Resources) -> Iterator[dict[str, Any]]:
    """What SageMaker says of a group that was made of a template."""
    for each in resources.values():
        if each["Type"] == FEATURE_GROUP:
            yield {**each["Properties"], "RoleArn": "arn:aws:iam::111111111111:role/x", "FeatureGroupStatus": "Created"}


def test_what_is_taken_back_must_be_what_is_declared(folder: Path, base: Resources) -> None:
    (there,) = _described(base)

    def refused(text: str) -> list[str]:
        (wanted,) = _described(resources_of(project_of(folder, text)))
        return [each.message for each in safe_change.compare("trips", there, wanted, in_place=False)]

    assert refused(TEXT) == []
    assert refused(IN_PLACE["a feature is added"]) == [
        "sight is not in trips-sky-v1, which has to be taken back as it is; declare it with the deployment after that"
    ]
    assert refused(IN_PLACE["the time to live changes"]) == [
        "trips-sky-v1 has another one, and has to be taken back as it is; change it with the deployment after that"
    ]
    assert "no feature leaves a group" in refused(REFUSED["a feature is removed"][0])[0]
