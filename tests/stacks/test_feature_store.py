"""The feature store in every environment: what is kept, who may read and write it, and what starts the ingestion."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sagewright.cli import deployed
from sagewright.project import load

GROUP = "AWS::SageMaker::FeatureGroup"
ACCOUNTS = {"dev": "111111111111", "prod": "333333333333"}
ENVIRONMENTS = "".join(f'  {name}: {{account: "{each}", region: eu-west-1}}\n' for name, each in ACCOUNTS.items())
SECTIONS = """\
data:
  source: s3://example-labelled/rows/
  problem: binary_classification
  label: late
  event_time: at
  join:
    - {group: trains, on: train}
    - {group: weather, on: place, look_back_hours: 24}
training: {code: src/churn}
evaluation: {minimum: 0.55}
network: {mode: create}
features:
  weather:
    version: 2
    description: What the sky does
    source: s3://example-weather/seen/
    record_id: place
    event_time: seen_at
    features: {wind: fractional}
    ingest: {schedule: hourly}
    fresh_hours: 6
  trains:
    source: data/trains.csv
    record_id: train
    event_time: since
    features: {seats: integral}
    online: {time_to_live: {value: 3, unit: days}}
    offline: iceberg
    throughput: {reads: 5, writes: 7}
  stations: {record_id: place, event_time: at, features: {height: integral}, online: false}
  calls: {record_id: place, event_time: at, features: {count: integral}, offline: none}
"""
PRICES = "  prices: {use: market/prices@3, record_id: place, event_time: at, features: {price: fractional}}\n"
BUCKET = "arn:aws:s3:::churn-dev-data-111111111111-eu-west-1"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Make a folder with the one source that is a file of the project."""

    def made(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name) / "churn"
        (folder / "data").mkdir(parents=True)
        (folder / "data" / "trains.csv").write_text("train,since,seats\nn1,2024-01-01T00:00:00Z,480\n")
        return folder

    return made


@pytest.fixture(scope="session")
def stored(synthesized_of: Callable[..., Any], folder: Callable[[str], Path]) -> Any:
    return synthesized_of(folder("stored"), ENVIRONMENTS, SECTIONS, ACCOUNTS)


@pytest.fixture(scope="session")
def borrowing(synthesized_of: Callable[..., Any], folder: Callable[[str], Path]) -> Any:
    """The same with a group of another project, whose account everything has to be in."""
    join = "    - {group: weather, on: place, look_back_hours: 24}\n"
    sections = SECTIONS.replace(join, f"{join}    - {{group: prices, on: place}}\n") + PRICES
    accounts = dict.fromkeys(ACCOUNTS, ACCOUNTS["dev"])
    return synthesized_of(
        folder("borrowing"), ENVIRONMENTS.replace(ACCOUNTS["prod"], ACCOUNTS["dev"]), sections, accounts
    )


def groups(template: Any) -> dict[str, dict[str, Any]]:
    found = template.resources(GROUP).values()
    return {each["Properties"]["FeatureGroupName"]: each for each in found}


def exports(template: Any) -> set[str]:
    return {each["Export"]["Name"] for each in template.body["Outputs"].values() if "Export" in each}


def test_the_first_environment_holds_both_stores_and_later_ones_what_serving_reads(stored: Any) -> None:
    first, later = groups(stored["churn-dev-data"]), groups(stored["churn-prod-data"])

    assert set(first) == {"churn-weather-v2", "churn-trains-v1", "churn-stations-v1", "churn-calls-v1"}
    assert set(later) == {"churn-weather-v2-prod", "churn-trains-v1-prod", "churn-calls-v1-prod"}
    assert "OfflineStoreConfig" not in first["churn-calls-v1"]["Properties"]
    assert "OnlineStoreConfig" not in first["churn-stations-v1"]["Properties"]
    for each in later.values():
        assert not each["Properties"].keys() & {"OfflineStoreConfig", "RoleArn"}


def test_a_group_says_what_the_project_file_says(stored: Any) -> None:
    group = groups(stored["churn-dev-data"])["churn-trains-v1"]["Properties"]
    (key,) = stored["churn-dev-data"].resources("AWS::KMS::Key")

    assert group["FeatureDefinitions"] == [
        {"FeatureName": "train", "FeatureType": "String"},
        {"FeatureName": "since", "FeatureType": "String"},
        {"FeatureName": "seats", "FeatureType": "Integral"},
    ]
    assert (group["RecordIdentifierFeatureName"], group["EventTimeFeatureName"]) == ("train", "since")
    assert group["OnlineStoreConfig"] == {
        "EnableOnlineStore": True,
        "SecurityConfig": {"KmsKeyId": f"<{key}.Arn>"},
        "TtlDuration": {"Unit": "Days", "Value": 3},
    }
    assert group["OfflineStoreConfig"] == {
        "S3StorageConfig": {
            "S3Uri": "s3://churn-dev-data-111111111111-eu-west-1/features",
            "KmsKeyId": f"<{key}.Arn>",
        },
        "DisableGlueTableCreation": False,
        "DataCatalogConfig": {"Catalog": "AwsDataCatalog", "Database": "churn_features", "TableName": "trains_v1"},
        "TableFormat": "Iceberg",
    }
    assert group["ThroughputConfig"] == {
        "ThroughputMode": "Provisioned",
        "ProvisionedReadCapacityUnits": 5,
        "ProvisionedWriteCapacityUnits": 7,
    }
    assert group["RoleArn"] == "arn:aws:iam::111111111111:role/churn-dev-features"


def test_nothing_that_may_change_is_on_a_group_so_that_none_is_ever_replaced(stored: Any) -> None:
    for stack in ("churn-dev-data", "churn-prod-data"):
        for each in groups(stored[stack]).values():
            assert "Description" not in each["Properties"]
            assert {tag["Key"] for tag in each["Properties"]["Tags"]} == {
                "sagewright:environment",
                "sagewright:project",
            }


def test_everything_of_the_store_stays_when_its_stack_is_deleted(stored: Any) -> None:
    for stack in ("churn-dev-data", "churn-prod-data"):
        kept = {
            (each["DeletionPolicy"], each["UpdateReplacePolicy"]) for each in stored[stack].body["Resources"].values()
        }
        assert kept == {("RetainExceptOnCreate", "Retain")}


def test_no_more_than_four_groups_are_in_the_making_at_once(synthesized_of: Callable[..., Any], tmp_path: Path) -> None:
    group = "{record_id: id, event_time: at, features: {value: integral}, offline: none}"
    many = "".join(f"  g{number}: {group}\n" for number in range(9))
    sections = (
        "data: {source: data/customers.csv, problem: binary_classification, label: churned}\n"
        f"training: {{code: src/churn}}\nevaluation: {{minimum: 0.5}}\nfeatures:\n{many}"
    )
    template = synthesized_of(tmp_path / "churn", ENVIRONMENTS, sections, ACCOUNTS)["churn-dev-data"]
    made = {name: each for name, each in template.body["Resources"].items() if each["Type"] == GROUP}

    waiting = {name: sorted(set(each["DependsOn"]) & made.keys()) for name, each in made.items()}
    assert sum(1 for each in waiting.values() if not each) == 4
    assert all(len(each) <= 1 for each in waiting.values())
    assert len({each[0] for each in waiting.values() if each}) == 5


def test_who_uses_a_group_of_another_project_imports_it(borrowing: Any) -> None:
    training, access = json.dumps(borrowing["churn-training"].body), json.dumps(borrowing["churn-prod-access"].body)

    for text in (training, access):
        assert '{"Fn::ImportValue": "market-prices-v3"}' in text
        assert '{"Fn::ImportValue": "market-features-key"}' in text
    assert '{"Fn::ImportValue": "market-features-bucket"}' in training


def test_other_projects_find_every_version_so_that_they_can_move_to_the_next_one(stored: Any) -> None:
    named = exports(stored["churn-dev-data"])

    assert {"churn-weather-v1", "churn-weather-v2", "churn-trains-v1"} <= named
    assert {"churn-features-bucket", "churn-features-key"} <= named
    assert not [each for each in exports(stored["churn-prod-data"]) if "weather" in each]


def test_the_role_of_the_groups_writes_the_history_and_nothing_else(stored: Any) -> None:
    allowed = stored["churn-dev-data"].at("FeatureStore/Writer/DefaultPolicy/Resource")["Properties"]["PolicyDocument"]
    statements = {each["Sid"]: each for each in allowed["Statement"]}

    assert statements["WriteHistory"]["Resource"] == f"{BUCKET}/features/*"
    assert statements["ReadMetadata"]["Resource"] == f"{BUCKET}/features/*/metadata/*"
    assert set(statements) == {"WriteHistory", "LookAtBucket", "ReadMetadata", "KeepTables", "UseKey"}


def test_sagemaker_may_always_take_the_role_that_a_group_keeps_for_good(stored: Any) -> None:
    role = stored["churn-dev-data"].at("FeatureStore/Writer/Resource")["Properties"]

    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    # AWS documents aws:SourceAccount for jobs, and not for the feature store.
    assert "Condition" not in trust


def test_the_ingestion_writes_its_own_groups_and_reads_its_own_sources(stored: Any) -> None:
    statements = stored["churn-training"].statements("Ingestion/Job")
    arn = "arn:aws:sagemaker:eu-west-1:111111111111:feature-group/churn-"

    assert statements["WriteRecords"]["Resource"] == [
        f"{arn}{each}" for each in ("weather-v2", "trains-v1", "stations-v1", "calls-v1")
    ]
    assert f"{arn}weather-v1" in statements["LookAtGroups"]["Resource"]
    assert statements["ReadSources"]["Resource"] == [f"{BUCKET}/sources/trains/*"]
    assert statements["ReadSource1"]["Resource"] == ["arn:aws:s3:::example-weather/seen/*"]
    assert statements["WriteElsewhere"]["Resource"] == ["arn:aws:iam::333333333333:role/churn-prod-features-write"]
    # A file is part of its table as soon as it is there.
    assert not [each for statement in statements.values() for each in statement["Action"] if each.startswith("glue:")]
    assert "Sagewright/churn/dev" in statements["WriteMetrics"]["Condition"]["StringEquals"]["cloudwatch:namespace"]


def test_only_the_ingestion_of_the_first_account_may_write_a_later_online_store(stored: Any) -> None:
    role = stored["churn-prod-access"].at("OnlineWriter/Role/Resource")["Properties"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    written = stored["churn-prod-access"].statements("OnlineWriter")["WriteRecords"]["Resource"]

    assert trust["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}
    assert trust["Condition"] == {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/churn-ingestion"}}
    assert all(each.endswith("-prod") for each in written)


def test_the_join_reads_the_history_of_joined_groups_and_keeps_only_its_own_table(borrowing: Any) -> None:
    statements = borrowing["churn-training"].statements("Training/Dataset")
    tables = [each.partition(":table/")[2] for each in statements["ReadCatalog"]["Resource"] if ":table/" in each]

    assert tables == ["churn_features/trains_v1", "churn_features/weather_v2", "market_features/prices_v3"]
    assert [each for each in statements["KeepLabelledRows"]["Resource"] if ":table/" in each] == [
        "arn:aws:glue:eu-west-1:111111111111:table/churn_features/labelled_*"
    ]
    assert all("/offline-store/churn-" in each for each in statements["ReadHistory"]["Resource"])
    assert "ReadSource" not in borrowing["churn-training"].statements("Training/Preprocess")


def test_results_of_queries_stay_in_the_bucket_under_its_key_and_go_after_a_week(stored: Any) -> None:
    workgroup = stored["churn-training"].only("AWS::Athena::WorkGroup")["Properties"]["WorkGroupConfiguration"]
    bucket = stored["churn-dev-data"].at("Data/Bucket/Resource")["Properties"]
    rules = {each["Id"]: each for each in bucket["LifecycleConfiguration"]["Rules"]}

    assert workgroup["EnforceWorkGroupConfiguration"] is True
    assert workgroup["ResultConfiguration"]["EncryptionConfiguration"]["EncryptionOption"] == "SSE_KMS"
    assert workgroup["ResultConfiguration"]["OutputLocation"].endswith("-eu-west-1/queries/")
    assert (rules["DropQueries"]["Prefix"], rules["DropQueries"]["ExpirationInDays"]) == ("queries/", 7)


def test_a_file_that_arrives_starts_the_ingestion_of_its_group(stored: Any) -> None:
    rules = [each["Properties"] for each in stored["churn-training"].resources("AWS::Events::Rule").values()]
    watched = {each["Name"]: each["EventPattern"]["detail"] for each in rules}
    started = {each["Name"]: each["Targets"][0]["SageMakerPipelineParameters"] for each in rules}

    own = "churn-dev-data-111111111111-eu-west-1"
    assert watched == {
        "churn-weather-arrival": {"bucket": {"name": ["example-weather"]}, "object": {"key": [{"prefix": "seen/"}]}},
        "churn-trains-arrival": {"bucket": {"name": [own]}, "object": {"key": [{"prefix": "sources/trains/"}]}},
    }
    for group in ("weather", "trains"):
        parameters = started[f"churn-{group}-arrival"]["PipelineParameterList"]
        assert parameters == [{"Name": "Groups", "Value": group}]
    assert {each["Targets"][0]["Arn"] for each in rules} == {
        "arn:aws:sagemaker:eu-west-1:111111111111:pipeline/churn-ingestion"
    }


def test_the_clock_starts_the_groups_that_ask_for_it(stored: Any) -> None:
    schedule = stored["churn-training"].only("AWS::Scheduler::Schedule")["Properties"]
    request = json.loads(schedule["Target"]["Input"])

    assert schedule["Name"] == "churn-ingestion-hourly"
    assert request["PipelineParameters"] == [{"Name": "Groups", "Value": "weather"}]
    assert len(request["ClientRequestToken"].partition("<")[0]) >= 32


def test_a_group_that_gets_nothing_for_its_hours_tells_its_owner(stored: Any) -> None:
    alarm = stored["churn-training"].only("AWS::CloudWatch::Alarm")["Properties"]
    statements = stored["churn-dev-data"].only("AWS::KMS::Key")["Properties"]["KeyPolicy"]["Statement"]
    (told,) = [each for each in statements if each.get("Sid") == "TellAlarms"]

    assert (alarm["AlarmName"], alarm["MetricName"]) == ("churn-weather-v2/freshness", "RowsIngested")
    assert alarm["Dimensions"] == [{"Name": "Group", "Value": "weather"}]
    assert (alarm["Period"] * alarm["EvaluationPeriods"], alarm["TreatMissingData"]) == (6 * 3600, "breaching")
    assert told["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert list(told["Condition"]["StringEquals"].values()) == ["arn:aws:sns:eu-west-1:111111111111:churn-ingestion"]


def test_an_endpoint_that_looks_up_may_read_the_joined_groups_of_its_environment_only(
    stored: Any, borrowing: Any
) -> None:
    read = stored["churn-prod-access"].statements("Endpoint")["LookUpFeatures"]
    arn = "arn:aws:sagemaker:eu-west-1:333333333333:feature-group/"
    elsewhere = borrowing["churn-prod-access"].statements("Endpoint")["LookUpFeatures"]["Resource"]

    assert read["Action"] == ["sagemaker:BatchGetRecord"]
    assert read["Resource"] == [f"{arn}churn-{each}-prod" for each in ("trains-v1", "weather-v1", "weather-v2")]
    assert elsewhere[-1] == "arn:aws:sagemaker:eu-west-1:111111111111:feature-group/<import market-prices-v3>"


def test_only_an_endpoint_that_looks_up_is_on_the_network(stored: Any, three: Any) -> None:
    looking = stored["churn-prod-serving"].only("AWS::SageMaker::Model")["Properties"]
    plain = three["churn-prod-serving"].only("AWS::SageMaker::Model")["Properties"]

    assert (looking["EnableNetworkIsolation"], plain["EnableNetworkIsolation"]) == (False, True)
    told = looking["PrimaryContainer"]["Environment"]
    assert (told["FEATURE_GROUP_SUFFIX"], told["FEATURE_STORE_REGION"]) == ("-prod", "eu-west-1")
    assert "FEATURE_STORE_REGION" not in plain["PrimaryContainer"]["Environment"]


def test_the_endpoint_is_told_under_the_names_that_its_program_reads() -> None:
    from sagewright.runtime.serving import lookup  # noqa: PLC0415 (another room, for its names alone)
    from sagewright.stacks import lookup_variables  # noqa: PLC0415 (beside it)

    for name in ("REGION", "SUFFIX", "TIME_LIMIT", "MISSING", "UNAVAILABLE"):
        assert getattr(lookup_variables, name) == getattr(lookup, name)


def test_a_private_network_has_a_way_to_each_service_that_is_called_and_no_other(stored: Any) -> None:
    def interfaces(stack: str) -> set[str]:
        made = stored[stack].resources("AWS::EC2::VPCEndpoint").values()
        services = [each["Properties"] for each in made if each["Properties"]["VpcEndpointType"] == "Interface"]
        assert all(each["PrivateDnsEnabled"] for each in services)
        return {each["ServiceName"].removeprefix("com.amazonaws.eu-west-1.") for each in services}

    assert interfaces("churn-dev-network") == {
        *("athena", "glue", "monitoring", "sagemaker.api", "sagemaker.featurestore-runtime", "sts"),
    }
    assert interfaces("churn-prod-network") == {"sagemaker.featurestore-runtime"}


def test_what_is_joined_of_another_project_passes_the_private_network(borrowing: Any, stored: Any) -> None:
    def passing(assembly: Any) -> dict[str, Any]:
        made = assembly["churn-dev-network"].resources("AWS::EC2::VPCEndpoint").values()
        (gateway,) = [each["Properties"] for each in made if each["Properties"]["VpcEndpointType"] == "Gateway"]
        return {each["Sid"]: each for each in gateway["PolicyDocument"]["Statement"]}

    bucket = "arn:aws:s3:::<import market-features-bucket>"
    assert passing(borrowing)["Used1"]["Resource"][0] == bucket
    assert passing(borrowing)["Used1"]["Action"] == ["s3:GetObject", "s3:ListBucket"]
    assert "Used1" not in passing(stored)


def test_jobs_find_the_declaration_in_their_code(stored: Any, three: Any) -> None:
    def in_bundle(assembly: Any) -> bool:
        files = [zipfile.ZipFile(each).namelist() for each in Path(assembly.folder).glob("asset.*.zip")]
        (bundle,) = [each for each in files if "churn/model.py" in each]
        return "declaration.json" in bundle

    assert (in_bundle(stored), in_bundle(three)) == (True, False)


def test_no_stateful_resource_of_a_feature_store_has_moved(stored: Any) -> None:
    golden = json.loads(Path(__file__).with_name("stateful.json").read_text())
    for stack in ("churn-dev-data", "churn-prod-data"):
        found = {name: each["Type"] for name, each in stored[stack].body["Resources"].items()}
        assert golden[f"{stack} with features"] == {
            name: kind for name, kind in found.items() if name.startswith("FeatureStore")
        }


def test_an_ingestion_as_it_is_deployed_is_known_as_what_the_folder_holds(stored: Any) -> None:
    account, pipelines = ACCOUNTS["dev"], stored["churn-training"].resources("AWS::SageMaker::Pipeline").values()
    bodies = [json.loads(each["Properties"]["PipelineDefinition"]["PipelineDefinitionBody"]) for each in pipelines]
    (body,) = [each for each in bodies if each["Steps"][0]["Name"] == "Ingest"]
    network = body["Steps"][0]["Arguments"]["NetworkConfig"]["VpcConfig"]
    subnets = network["Subnets"], network["SecurityGroupIds"]
    made = json.loads(json.dumps(deployed._ingestion(load(stored.folder.parent), account, body, subnets)))
    assert [made[part] for part in deployed.COMPARED] == [body[part] for part in deployed.COMPARED]
