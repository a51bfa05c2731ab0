"""Why: what leaves a private network goes through endpoints, and a flow log keeps what came and went."""

from typing import Any

from typing_extensions import override

from ...protocol import ApiError
from ..resource import Context, HandlerError, Properties
from .api_call import as_text, call, discard, refusal
from .api_resource import changed
from .ec2_resource import Ec2Resource

# What an endpoint lets through that has no policy of its own.
_EVERYTHING = {
    "Version": "2008-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
}
_KINDS = ("Gateway", "Interface")
_FLOW_LOGS = "vpc-flow-logs.amazonaws.com"


class VpcEndpoint(Ec2Resource):
    """A gateway or interface endpoint: a way to a service, and a policy on what may pass."""

    @override
    def check(self, context: Context, properties: Properties) -> None:
        """Refuse other kinds by name: nothing in the sandbox would go through them."""
        kind = properties.get("VpcEndpointType", "Gateway")
        if kind not in _KINDS:
            message = (
                f"The sandbox does not have VpcEndpointType {kind} of {self.type_name}: only {' and '.join(_KINDS)}."
            )
            raise refusal("UnsupportedOperation", message, "CreateVpcEndpoint")

    @override
    def change(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Set another policy, other route tables, or subnets and groups of the interfaces."""
        if changed(old, new, "PrivateDnsEnabled"):
            message = f"The sandbox does not change PrivateDnsEnabled of {self.type_name}."
            raise refusal("UnsupportedOperation", message, "ModifyVpcEndpoint")
        changes: dict[str, Any] = {}
        if changed(old, new, "PolicyDocument"):
            changes["PolicyDocument"] = as_text(new.get("PolicyDocument", _EVERYTHING))
        for key in ("RouteTableId", "SubnetId", "SecurityGroupId"):
            before, after = (each.get(f"{key}s", []) for each in (old, new))
            differing = {"Add": [each for each in after if each not in before]}
            differing["Remove"] = [each for each in before if each not in after]
            changes |= {f"{verb}{key}s": each for verb, each in differing.items() if each}
        if changes:
            call(self.client(context), "modify_vpc_endpoint", VpcEndpointId=physical_id, **changes)

    @override
    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Delete the endpoint and the routes to it."""
        discard(self.client(context), self.delete_operation, VpcEndpointIds=[physical_id])


class FlowLog(Ec2Resource):
    """A flow log of one VPC, subnet or interface; nothing of it but its tags can change."""

    @override
    def create(self, context: Context, properties: Properties) -> str:
        """Create the flow log, once the role that is to write it lets the service take it on."""
        if properties.get("LogDestinationType", "cloud-watch-logs") != "cloud-watch-logs":
            kind = properties["LogDestinationType"]
            message = f"The sandbox does not have LogDestinationType {kind} of {self.type_name}: only cloud-watch-logs."
            raise refusal("UnsupportedOperation", message, "CreateFlowLogs")
        if role := properties.get("DeliverLogsPermissionArn"):
            where = f"arn:aws:ec2:{context.region}:{context.account}:vpc-flow-log/*"
            try:
                context.clients.as_role(role, service=_FLOW_LOGS, region=context.region, source_arn=where)
            except ApiError as error:
                message = f"Unable to assume given IAM role {role}: {error.message}"
                raise refusal("InvalidParameter", message, "CreateFlowLogs") from error
        given = {key: value for key, value in properties.items() if key not in {"Tags", "ResourceId"}}
        given |= self.born_with(context, properties)
        answer = call(self.client(context), self.create_operation, ResourceIds=[properties["ResourceId"]], **given)
        for refused in answer.get("Unsuccessful", ()):
            raise HandlerError(refused["Error"]["Message"], "InvalidRequest")
        physical_id = str(answer["FlowLogIds"][0])
        self.retag(context, physical_id, properties)
        return physical_id

    @override
    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Stop logging; what was logged stays."""
        discard(self.client(context), self.delete_operation, FlowLogIds=[physical_id])


TYPES = {
    "AWS::EC2::VPCEndpoint": VpcEndpoint(
        type_name="AWS::EC2::VPCEndpoint",
        service="ec2",
        create_operation="create_vpc_endpoint",
        delete_operation="delete_vpc_endpoints",
        reference="VpcEndpoint.VpcEndpointId",
    ),
    "AWS::EC2::FlowLog": FlowLog(
        type_name="AWS::EC2::FlowLog",
        service="ec2",
        create_operation="create_flow_logs",
        delete_operation="delete_flow_logs",
    ),
}
