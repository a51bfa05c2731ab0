"""What happens to a stack is told on its account's bus, in the form that CloudFormation documents."""

import json
from typing import Any

TEMPLATE = {"Resources": {"Note": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "1"}}}}


def test_a_rule_hears_of_a_stack_that_came_up(bench: Any) -> None:
    admitted = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    queue = bench.queue(admitted)
    stacks = bench.arn("cloudformation", f"stack/{bench.name}/")
    detail = {"stack-id": [{"prefix": stacks}], "status-details": {"status": [{"suffix": "_COMPLETE"}]}}
    pattern = {
        "source": ["aws.cloudformation"],
        "detail-type": ["CloudFormation Stack Status Change"],
        "detail": detail,
    }
    events = bench.client("events")
    events.put_rule(Name=bench.name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=bench.name, Targets=[{"Id": "1", "Arn": queue}])

    cloudformation = bench.client("cloudformation")
    stack = cloudformation.create_stack(StackName=bench.name, TemplateBody=json.dumps(TEMPLATE))["StackId"]

    event = json.loads(bench.received(queue)["Body"])
    assert (event["source"], event["account"], event["region"]) == ("aws.cloudformation", "111111111111", "eu-west-1")
    assert event["resources"] == [stack]
    assert event["detail"] == {
        "stack-id": stack,
        "status-details": {"status": "CREATE_COMPLETE", "status-reason": ""},
        "client-request-token": "",
    }
    cloudformation.delete_stack(StackName=bench.name)
    assert json.loads(bench.received(queue)["Body"])["detail"]["status-details"]["status"] == "DELETE_COMPLETE"
