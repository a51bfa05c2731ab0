from typing import Any

import pytest

SERVING = [("staging", "222222222222"), ("prod", "333333333333")]
COPIED = ["executions/*/Train/*", "executions/*/Preprocess/baseline/*", "executions/*/Evaluate/evaluation/*"]
DATA = "arn:aws:s3:::churn-dev-data-111111111111-eu-west-1"


@pytest.fixture(params=["churn-dev-data", "churn-staging-data", "churn-prod-data"])
def data(three: Any, request: pytest.FixtureRequest) -> Any:
    return three[request.param]


def bucket(template: Any, name: str) -> dict[str, Any]:
    return template.at(f"{name}/Bucket/Resource")["Properties"]


def policy(template: Any, name: str) -> list[dict[str, Any]]:
    return template.at(f"{name}/Bucket/Policy/Resource")["Properties"]["PolicyDocument"]["Statement"]


def test_data_is_encrypted_with_the_environments_own_key(data: Any) -> None:
    (rule,) = bucket(data, "Data")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    (key,) = data.resources("AWS::KMS::Key")
    assert rule["BucketKeyEnabled"] is True
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": f"<{key}.Arn>"}


def test_the_key_rotates_and_has_the_environments_alias(data: Any) -> None:
    assert data.only("AWS::KMS::Key")["Properties"]["EnableKeyRotation"] is True
    environment = data.name.split("-")[1]
    assert data.only("AWS::KMS::Alias")["Properties"]["AliasName"] == f"alias/churn-{environment}-data"


@pytest.mark.parametrize("name", ["Data", "Logs"])
def test_no_bucket_can_be_made_public(data: Any, name: str) -> None:
    blocked = {"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"}
    assert bucket(data, name)["PublicAccessBlockConfiguration"] == dict.fromkeys(blocked, True)
    assert bucket(data, name)["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


@pytest.mark.parametrize("name", ["Data", "Logs"])
def test_requests_without_tls_are_denied(data: Any, name: str) -> None:
    denied = [each for each in policy(data, name) if each["Effect"] == "Deny"]
    assert [(each["Action"], each["Principal"], each["Condition"]) for each in denied] == [
        ("s3:*", {"AWS": "*"}, {"Bool": {"aws:SecureTransport": "false"}})
    ]


def test_access_to_data_is_logged_into_a_bucket_that_log_delivery_can_write_to(data: Any) -> None:
    (log_bucket,) = (key for key in data.resources("AWS::S3::Bucket") if key.startswith("Logs"))
    assert bucket(data, "Data")["LoggingConfiguration"] == {
        "DestinationBucketName": f"<{log_bucket}>",
        "LogFilePrefix": "data/",
    }
    (rule,) = bucket(data, "Logs")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    (delivery,) = (each for each in policy(data, "Logs") if each["Effect"] == "Allow")
    assert delivery["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    assert delivery["Condition"]["StringEquals"] == {"aws:SourceAccount": data.account}


def test_an_overwritten_object_can_be_had_back_and_leftovers_do_not_cost_for_ever(data: Any) -> None:
    properties = bucket(data, "Data")
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    rules = {rule["Id"]: rule for rule in properties["LifecycleConfiguration"]["Rules"]}
    assert rules["DropUnfinished"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert rules["DropReplaced"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}
    assert not any("ExpirationInDays" in rule for rule in rules.values())


def test_rules_see_new_objects_without_a_custom_resource(data: Any) -> None:
    events = {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    assert bucket(data, "Data")["NotificationConfiguration"] == events


def test_everything_in_a_data_stack_stays_when_the_stack_is_deleted(data: Any, three: Any) -> None:
    kept = {(each["DeletionPolicy"], each["UpdateReplacePolicy"]) for each in data.body["Resources"].values()}
    # RetainExceptOnCreate: a first deployment that fails leaves no empty bucket whose name blocks the next one.
    assert kept == {("RetainExceptOnCreate", "Retain")}
    assert three.artifact(data.name)["properties"]["terminationProtection"] is True


def test_a_data_stack_says_where_data_and_key_are(data: Any) -> None:
    outputs = {name: data.resolve(each["Value"]) for name, each in data.body["Outputs"].items()}
    assert outputs["DataBucketName"].startswith("<DataBucket")
    assert outputs["KeyArn"].startswith("<EncryptionKey")
    assert bucket(data, "Data")["BucketName"] == f"churn-{data.name.split('-')[1]}-data-{data.account}-eu-west-1"
    assert bucket(data, "Logs")["BucketName"] == f"churn-{data.name.split('-')[1]}-logs-{data.account}-eu-west-1"


def test_only_the_first_environment_holds_the_registry(three: Any) -> None:
    registry = "AWS::SageMaker::ModelPackageGroup"
    assert [stack.name for stack in three if stack.resources(registry)] == ["churn-dev-data"]
    assert three["churn-dev-data"].only(registry)["Properties"]["ModelPackageGroupName"] == "churn"
    assert three["churn-dev-data"].body["Outputs"]["ModelPackageGroupName"]["Value"] == "churn"


def test_changing_a_description_cannot_replace_the_registry(three: Any) -> None:
    properties = three["churn-dev-data"].only("AWS::SageMaker::ModelPackageGroup")["Properties"]
    assert "ModelPackageGroupDescription" not in properties


def test_the_first_key_admits_its_account_and_the_release_roles_of_the_others_only(three: Any) -> None:
    statements = three["churn-dev-data"].only("AWS::KMS::Key")["Properties"]["KeyPolicy"]["Statement"]
    assert statements[0]["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}
    assert [(each["Principal"], each["Action"], each["Condition"]) for each in statements[1:]] == [
        (
            {"AWS": f"arn:aws:iam::{account}:root"},
            "kms:Decrypt",
            {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{account}:role/churn-{name}-release"}},
        )
        for name, account in SERVING
    ]


@pytest.mark.parametrize(("name", "account"), SERVING)
def test_the_first_bucket_lets_other_release_roles_read_exactly_what_they_copy(
    three: Any, name: str, account: str
) -> None:
    statements = {each["Sid"]: each for each in policy(three["churn-dev-data"], "Data") if "Sid" in each}
    role = {"aws:PrincipalArn": f"arn:aws:iam::{account}:role/churn-{name}-release"}
    read, listed = statements[f"ReleaseTo{name.capitalize()}"], statements[f"ListFor{name.capitalize()}"]
    assert read["Principal"] == listed["Principal"] == {"AWS": f"arn:aws:iam::{account}:root"}
    assert read["Action"] == "s3:GetObject"
    assert [each.partition("/")[2] for each in read["Resource"]] == COPIED
    assert read["Condition"] == {"ArnEquals": role}
    assert listed["Action"] == "s3:ListBucket"
    assert listed["Condition"] == {"ArnEquals": role, "StringLike": {"s3:prefix": COPIED}}


def test_the_registry_lets_other_release_roles_describe_versions(three: Any) -> None:
    group = three["churn-dev-data"].only("AWS::SageMaker::ModelPackageGroup")["Properties"]
    assert [
        (each["Principal"], each["Action"], each["Resource"], each["Condition"])
        for each in group["ModelPackageGroupPolicy"]["Statement"]
    ] == [
        (
            {"AWS": f"arn:aws:iam::{account}:root"},
            ["sagemaker:DescribeModelPackage"],
            ["arn:aws:sagemaker:eu-west-1:111111111111:model-package/churn/*"],
            {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{account}:role/churn-{name}-release"}},
        )
        for name, account in SERVING
    ]


def test_later_environments_let_nobody_from_elsewhere_in(three: Any) -> None:
    for name, account in SERVING:
        template = three[f"churn-{name}-data"]
        (root,) = template.only("AWS::KMS::Key")["Properties"]["KeyPolicy"]["Statement"]
        assert root["Principal"] == {"AWS": f"arn:aws:iam::{account}:root"}
        assert [each["Effect"] for each in policy(template, "Data")] == ["Deny"]


def test_within_one_account_no_resource_policy_is_needed(three_in_one_account: Any) -> None:
    template = three_in_one_account["churn-dev-data"]
    assert len(template.only("AWS::KMS::Key")["Properties"]["KeyPolicy"]["Statement"]) == 1
    assert [each["Effect"] for each in policy(template, "Data")] == ["Deny"]
    group = template.only("AWS::SageMaker::ModelPackageGroup")["Properties"]
    assert "ModelPackageGroupPolicy" not in group
