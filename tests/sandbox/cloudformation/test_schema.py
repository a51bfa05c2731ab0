import pytest

from sagewright.sandbox.cloudformation.schema import Schema, schema_for

REGION = "eu-west-1"
ROLE = "arn:aws:iam::111111111111:role/job"


def schema(type_name: str, region: str = REGION) -> Schema:
    found = schema_for(type_name, region)
    assert found is not None
    return found


def lines(type_name: str, properties: dict[str, object]) -> list[str]:
    problems = schema(type_name).problems(properties, "Thing")
    if not problems:
        return []
    assert len(problems) == 1
    first, *rest = problems[0].split("\n")
    assert first == "Properties validation failed for resource Thing with message:"
    return rest


@pytest.mark.parametrize(
    ("type_name", "properties", "line"),
    [
        ("AWS::S3::Bucket", {"Foo": 1}, "#: extraneous key [Foo] is not permitted"),
        (
            "AWS::S3::Bucket",
            {"VersioningConfiguration": {"Status": "Enabled", "Mfa": True}},
            "#/VersioningConfiguration: extraneous key [Mfa] is not permitted",
        ),
        (
            "AWS::SageMaker::Pipeline",
            {"PipelineName": "p", "PipelineDefinition": {"PipelineDefinitionBody": "{}"}},
            "#: required key [RoleArn] not found",
        ),
        ("AWS::S3::Bucket", {"BucketName": ["a"]}, "#/BucketName: expected type: String, found: JSONArray"),
        ("AWS::S3::Bucket", {"Tags": "a"}, "#/Tags: expected type: JSONArray, found: String"),
        ("AWS::S3::Bucket", {"Tags": ["a"]}, "#/Tags/0: expected type: JSONObject, found: String"),
        (
            "AWS::Lambda::Function",
            {"Code": {}, "Role": ROLE, "MemorySize": "much"},
            "#/MemorySize: expected type: Integer, found: String",
        ),
        (
            "AWS::S3::Bucket",
            {"VersioningConfiguration": {"Status": "On"}},
            "#/VersioningConfiguration/Status: On is not a valid enum value",
        ),
        (
            "AWS::Lambda::Function",
            {"Code": {}, "Role": "job"},
            "#/Role: failed validation constraint for keyword [pattern]",
        ),
        (
            "AWS::Lambda::Function",
            {"Code": {}, "Role": ROLE, "Timeout": 0},
            "#/Timeout: failed validation constraint for keyword [minimum]",
        ),
        (
            "AWS::SageMaker::ModelPackageGroup",
            {"ModelPackageGroupName": "g" * 64},
            "#/ModelPackageGroupName: expected maxLength: 63, actual: 64",
        ),
        ("AWS::KMS::Alias", {"AliasName": "", "TargetKeyId": "k"}, "#/AliasName: expected minLength: 1, actual: 0"),
        (
            "AWS::IAM::Policy",
            {"PolicyName": "p", "PolicyDocument": {}},
            "#: no subschema matched out of the total 3 subschemas",
        ),
        (
            "AWS::SageMaker::Pipeline",
            {
                "PipelineName": "p",
                "RoleArn": ROLE,
                "PipelineDefinition": {
                    "PipelineDefinitionBody": "{}",
                    "PipelineDefinitionS3Location": {"Bucket": "b", "Key": "k"},
                },
            },
            "#/PipelineDefinition: 0 subschemas matched instead of one",
        ),
        (
            "AWS::DynamoDB::Table",
            {
                "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
                "LocalSecondaryIndexes": [
                    {
                        "IndexName": "index",
                        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
                        "Projection": {"ProjectionType": "ALL"},
                    }
                ],
            },
            "#/KeySchema: expected minimum item count: 2, found: 1",
        ),
        (
            "AWS::CloudWatch::Alarm",
            {"ComparisonOperator": "GreaterThanThreshold"},
            "#: 0 subschemas matched instead of one",
        ),
    ],
)
def test_a_violation_is_told_in_the_words_of_cloudformation(
    type_name: str, properties: dict[str, object], line: str
) -> None:
    assert line in lines(type_name, properties)


def test_all_violations_are_told_at_once() -> None:
    assert lines("AWS::S3::Bucket", {"Foo": 1, "BucketName": {}}) == [
        "#: extraneous key [Foo] is not permitted",
        "#/BucketName: expected type: String, found: JSONObject",
    ]


def test_an_attribute_that_only_aws_sets_cannot_be_given() -> None:
    assert lines("AWS::S3::Bucket", {"Arn": "arn:aws:s3:::b"}) == ["#: extraneous key [Arn] is not permitted"]


@pytest.mark.parametrize(
    ("type_name", "given", "meant"),
    [
        ("AWS::KMS::Key", {"EnableKeyRotation": "true"}, {"EnableKeyRotation": True}),
        ("AWS::KMS::Key", {"PendingWindowInDays": "7"}, {"PendingWindowInDays": 7}),
        ("AWS::SSM::Parameter", {"Type": "String", "Value": 5}, {"Type": "String", "Value": "5"}),
        ("AWS::SSM::Parameter", {"Type": "String", "Value": True}, {"Type": "String", "Value": "true"}),
        (
            "AWS::S3::Bucket",
            {"LifecycleConfiguration": {"Rules": [{"Status": "Enabled", "ExpirationInDays": "30"}]}},
            {"LifecycleConfiguration": {"Rules": [{"Status": "Enabled", "ExpirationInDays": 30}]}},
        ),
        ("AWS::Logs::LogGroup", {"RetentionInDays": 7.0}, {"RetentionInDays": 7}),
    ],
)
def test_scalars_are_taken_in_any_spelling(type_name: str, given: dict[str, object], meant: dict[str, object]) -> None:
    assert lines(type_name, given) == []
    assert schema(type_name).coerced(given) == meant


def test_a_property_given_only_at_creation_replaces() -> None:
    bucket = schema("AWS::S3::Bucket")
    assert bucket.replaces({"BucketName": "one"}, {"BucketName": "two"})
    assert bucket.replaces({"BucketName": "one"}, {})
    assert not bucket.replaces({"BucketName": "one"}, {"BucketName": "one", "Tags": []})


def test_a_property_nested_in_another_replaces_too() -> None:
    repository = schema("AWS::ECR::Repository")
    assert repository.replaces(
        {"EncryptionConfiguration": {"EncryptionType": "AES256"}},
        {"EncryptionConfiguration": {"EncryptionType": "KMS"}},
    )


def test_another_spelling_of_the_same_value_replaces_nothing() -> None:
    config = schema("AWS::SageMaker::EndpointConfig")
    variant = {"VariantName": "v", "ModelName": "m", "InitialVariantWeight": 1.0}
    assert not config.replaces(
        {"ProductionVariants": [{**variant, "InitialInstanceCount": 1}]},
        {"ProductionVariants": [{**variant, "InitialInstanceCount": "1"}]},
    )
    assert config.replaces(
        {"ProductionVariants": [{**variant, "InitialInstanceCount": 1}]},
        {"ProductionVariants": [{**variant, "InitialInstanceCount": 2}]},
    )


def test_getatt_knows_its_attributes() -> None:
    bucket = schema("AWS::S3::Bucket")
    assert bucket.has_attribute("RegionalDomainName")
    assert not bucket.has_attribute("BucketName")


def test_a_type_that_does_not_exist_has_no_schema() -> None:
    assert schema_for("AWS::S3::Pail", REGION) is None


def test_a_type_that_a_region_lacks_has_no_schema_there() -> None:
    assert schema_for("AWS::SageMaker::MlflowApp", "us-east-1") is not None
    assert schema_for("AWS::SageMaker::MlflowApp", "eu-south-1") is None
