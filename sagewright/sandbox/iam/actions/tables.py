"""Why: for most services a table is enough to tell what a request needs."""

from . import named
from .arns import ANY, Resources, Table, expanded


def _same(template: Resources, *operations: str) -> dict[str, Resources]:
    return dict.fromkeys(operations, template)


_STACK = "stack/{StackName}/*"
_ALARM = "alarm:{AlarmName}"
_REPOSITORY = "repository/{repositoryName}"
_FUNCTION = "function:{FunctionName}"
_TARGET = "scalable-target/*"

TABLES: dict[str, Table] = {
    "sts": Table(
        "sts",
        {"AssumeRole": "{RoleArn}", "GetAccessKeyInfo": ANY, "DecodeAuthorizationMessage": ANY},
        free=frozenset({"GetCallerIdentity"}),
        context=named.trust,
    ),
    "ssm": Table(
        "ssm",
        {
            **_same(named.parameters("Name"), "GetParameter", "PutParameter", "DeleteParameter", "GetParameterHistory"),
            **_same(named.parameters("Names"), "GetParameters", "DeleteParameters"),
            "GetParametersByPath": named.parameters("Path"),
            "DescribeParameters": ANY,
            **_same(
                named.parameters("ResourceId"), "AddTagsToResource", "RemoveTagsFromResource", "ListTagsForResource"
            ),
        },
        context=named.tags,
    ),
    "logs": Table(
        "logs",
        {
            "DescribeLogGroups": ANY,
            **_same(
                named.log_group,
                *("CreateLogGroup", "DeleteLogGroup", "DescribeLogStreams", "FilterLogEvents", "PutRetentionPolicy"),
                *("DeleteRetentionPolicy", "AssociateKmsKey", "DisassociateKmsKey", "PutSubscriptionFilter"),
                *("DescribeSubscriptionFilters", "DeleteSubscriptionFilter", "PutMetricFilter", "DeleteMetricFilter"),
                *("DescribeMetricFilters", "ListTagsLogGroup", "TagLogGroup", "UntagLogGroup"),
            ),
            **_same(
                "log-group:{logGroupName}:log-stream:{logStreamName}",
                *("CreateLogStream", "DeleteLogStream", "PutLogEvents", "GetLogEvents"),
            ),
            **_same("{resourceArn}", "TagResource", "UntagResource", "ListTagsForResource"),
        },
        context=named.tags,
    ),
    "cloudwatch": Table(
        "cloudwatch",
        {
            **_same(
                ANY, "PutMetricData", "GetMetricData", "GetMetricStatistics", "ListMetrics", "DescribeAlarmsForMetric"
            ),
            **_same(_ALARM, "PutMetricAlarm", "PutCompositeAlarm", "SetAlarmState", "DescribeAlarmHistory"),
            **_same(
                "alarm:{AlarmNames}", "DescribeAlarms", "DeleteAlarms", "EnableAlarmActions", "DisableAlarmActions"
            ),
            **_same(named.dashboards("DashboardName"), "GetDashboard", "PutDashboard"),
            "DeleteDashboards": named.dashboards("DashboardNames"),
            "ListDashboards": ANY,
            **_same("{ResourceARN}", "TagResource", "UntagResource", "ListTagsForResource"),
        },
        context=named.metric,
    ),
    "cloudformation": Table(
        "cloudformation",
        {
            **_same(ANY, "ListStacks", "ListExports", "ListImports", "ValidateTemplate"),
            **_same(
                _STACK,
                *(
                    "CreateStack",
                    "UpdateStack",
                    "DeleteStack",
                    "DescribeStacks",
                    "DescribeStackEvents",
                    "DescribeEvents",
                ),
                *("DescribeStackResource", "DescribeStackResources", "ListStackResources", "GetTemplate"),
                *("GetTemplateSummary", "CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet", "DeleteChangeSet"),
                *("ListChangeSets", "ContinueUpdateRollback", "RollbackStack", "UpdateTerminationProtection"),
                *("GetStackPolicy", "SetStackPolicy", "CancelUpdateStack", "SignalResource"),
            ),
            "ListHookResults": "stack/{TargetId}",
        },
        context=named.stack,
    ),
    "ecr": Table(
        "ecr",
        {
            "GetAuthorizationToken": ANY,
            "DescribeRepositories": "repository/{repositoryNames}",
            **_same(
                _REPOSITORY,
                *("CreateRepository", "DeleteRepository", "BatchGetImage", "BatchCheckLayerAvailability"),
                *("GetDownloadUrlForLayer", "DescribeImages", "ListImages", "PutImage", "GetRepositoryPolicy"),
                *("SetRepositoryPolicy", "DeleteRepositoryPolicy", "GetLifecyclePolicy", "PutLifecyclePolicy"),
                *("DeleteLifecyclePolicy", "PutImageScanningConfiguration", "PutImageTagMutability"),
            ),
            **_same("{resourceArn}", "TagResource", "UntagResource", "ListTagsForResource"),
        },
        context=named.tags,
    ),
    "events": Table(
        "events",
        {
            **_same(ANY, "ListRules", "ListEventBuses", "ListRuleNamesByTarget"),
            **_same(named.rule("Name"), "PutRule", "DescribeRule", "DeleteRule", "EnableRule", "DisableRule"),
            **_same(named.rule("Rule"), "PutTargets", "RemoveTargets", "ListTargetsByRule"),
            "PutEvents": named.buses,
            **_same("event-bus/{Name}", "CreateEventBus", "DeleteEventBus", "DescribeEventBus"),
            **_same("{ResourceARN}", "TagResource", "UntagResource", "ListTagsForResource"),
        },
        context=named.tags,
    ),
    "scheduler": Table(
        "scheduler",
        {
            **_same(ANY, "ListSchedules", "ListScheduleGroups"),
            **_same("schedule-group/{Name}", "CreateScheduleGroup", "GetScheduleGroup", "DeleteScheduleGroup"),
            **_same(
                named.schedule,
                *("CreateSchedule", "GetSchedule", "UpdateSchedule", "DeleteSchedule"),
            ),
            **_same("{ResourceArn}", "TagResource", "UntagResource", "ListTagsForResource"),
        },
        context=named.tags,
    ),
    "lambda": Table(
        "lambda",
        {
            **_same(ANY, "ListFunctions", "CreateEventSourceMapping", "ListEventSourceMappings", "GetAccountSettings"),
            **_same(
                _FUNCTION,
                *("CreateFunction", "GetFunction", "GetFunctionConfiguration", "DeleteFunction", "UpdateFunctionCode"),
                *("UpdateFunctionConfiguration", "Invoke", "AddPermission", "RemovePermission", "GetPolicy"),
                *("PublishVersion", "CreateAlias", "GetAlias", "UpdateAlias", "DeleteAlias", "ListVersionsByFunction"),
                *("PutFunctionConcurrency", "GetFunctionConcurrency", "DeleteFunctionConcurrency", "ListAliases"),
                *("GetFunctionCodeSigningConfig", "PutFunctionEventInvokeConfig", "GetFunctionEventInvokeConfig"),
                "DeleteFunctionEventInvokeConfig",
            ),
            **_same("{Resource}", "TagResource", "UntagResource", "ListTags"),
        },
        {"Invoke": "InvokeFunction"},
        context=named.tags,
    ),
    "sns": Table(
        "sns",
        {
            **_same(ANY, "ListTopics", "ListSubscriptions"),
            **_same("{Name}", "CreateTopic"),
            **_same(
                "{TopicArn}",
                *("DeleteTopic", "GetTopicAttributes", "SetTopicAttributes", "Publish", "PublishBatch", "Subscribe"),
                *("ConfirmSubscription", "ListSubscriptionsByTopic"),
            ),
            **_same(named.subscription, "Unsubscribe", "GetSubscriptionAttributes", "SetSubscriptionAttributes"),
            **_same("{ResourceArn}", "TagResource", "UntagResource", "ListTagsForResource"),
        },
        {"PublishBatch": "Publish"},
        context=named.tags,
    ),
    "sqs": Table(
        "sqs",
        {
            "ListQueues": ANY,
            **_same(
                named.queue,
                *("CreateQueue", "DeleteQueue", "GetQueueUrl", "GetQueueAttributes", "SetQueueAttributes"),
                *("SendMessage", "SendMessageBatch", "ReceiveMessage", "DeleteMessage", "DeleteMessageBatch"),
                *("ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "PurgeQueue", "TagQueue", "UntagQueue"),
                "ListQueueTags",
            ),
        },
        {
            "SendMessageBatch": "SendMessage",
            "DeleteMessageBatch": "DeleteMessage",
            "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
        },
        context=named.tags,
    ),
    "dynamodb": Table(
        "dynamodb",
        {
            "ListTables": ANY,
            **_same(
                "table/{TableName}",
                *("CreateTable", "DescribeTable", "UpdateTable", "DeleteTable", "PutItem", "GetItem", "UpdateItem"),
                *("DeleteItem", "Scan", "DescribeTimeToLive", "UpdateTimeToLive", "DescribeContinuousBackups"),
                *("UpdateContinuousBackups", "DescribeContributorInsights"),
            ),
            "Query": lambda asked: expanded(
                "dynamodb",
                "table/{TableName}/index/{IndexName}" if asked.text("IndexName") else "table/{TableName}",
                asked,
            ),
            **_same("{ResourceArn}", "TagResource", "UntagResource", "ListTagsOfResource"),
        },
        context=named.tags,
    ),
    "secretsmanager": Table(
        "secretsmanager",
        {
            **_same(ANY, "ListSecrets", "GetRandomPassword"),
            **_same(
                named.secret,
                *("CreateSecret", "DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecret", "DeleteSecret"),
                *("TagResource", "UntagResource", "PutResourcePolicy", "GetResourcePolicy", "DeleteResourcePolicy"),
                *("RotateSecret", "RestoreSecret"),
            ),
        },
        context=named.tags,
    ),
    "glue": Table(
        "glue",
        {
            **_same(named.glue("database/{DatabaseInput.Name}"), "CreateDatabase"),
            **_same(named.glue("database/{Name}"), "GetDatabase", "UpdateDatabase"),
            # With all that is in it.
            "DeleteDatabase": named.glue("database/{Name}", "table/{Name}/*", "userDefinedFunction/{Name}/*"),
            "GetDatabases": named.glue("database/*"),
            **_same(
                named.glue("database/{DatabaseName}", "table/{DatabaseName}/{TableInput.Name}"),
                "CreateTable",
                "UpdateTable",
            ),
            **_same(named.glue("database/{DatabaseName}", "table/{DatabaseName}/{Name}"), "GetTable", "DeleteTable"),
            **_same(
                named.glue("database/{DatabaseName}", "table/{DatabaseName}/{TableName}"),
                *("GetTableVersion", "GetTableVersions", "DeleteTableVersion", "GetPartition", "GetPartitions"),
                *("CreatePartition", "UpdatePartition", "DeletePartition", "BatchCreatePartition"),
                *("BatchGetPartition", "BatchUpdatePartition", "BatchDeletePartition", "GetPartitionIndexes"),
            ),
            "BatchDeleteTable": named.glue("database/{DatabaseName}", "table/{DatabaseName}/{TablesToDelete}"),
            "GetTables": named.glue("database/{DatabaseName}", "table/{DatabaseName}/*"),
            **_same("{ResourceArn}", "TagResource", "UntagResource", "GetTags"),
        },
        context=named.tags,
    ),
    "application-autoscaling": Table(
        "application-autoscaling",
        {
            **_same(ANY, "DescribeScalableTargets", "DescribeScalingPolicies", "DescribeScalingActivities"),
            **_same(
                _TARGET,
                *("RegisterScalableTarget", "DeregisterScalableTarget", "PutScalingPolicy", "DeleteScalingPolicy"),
                *("PutScheduledAction", "DeleteScheduledAction"),
            ),
            **_same("{ResourceARN}", "TagResource", "UntagResource", "ListTagsForResource"),
        },
        context=named.tags,
    ),
    "service-quotas": Table(
        "servicequotas",
        {
            **_same(ANY, "GetServiceQuota", "GetAWSDefaultServiceQuota", "ListServiceQuotas", "ListServices"),
            **_same(ANY, "ListAWSDefaultServiceQuotas", "ListRequestedServiceQuotaChangeHistory"),
            "RequestServiceQuotaIncrease": "{ServiceCode}/{QuotaCode}",
        },
    ),
    "resourcegroupstaggingapi": Table(
        "tag", dict.fromkeys(("GetResources", "GetTagKeys", "GetTagValues", "TagResources", "UntagResources"), ANY)
    ),
}
