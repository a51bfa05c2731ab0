"""Why: some types are in templates for CloudFormation's or the CDK's own sake and have nothing behind them."""

from .unidentified import Unidentified

TYPES = {
    "AWS::CDK::Metadata": Unidentified(),
    "AWS::CloudFormation::WaitConditionHandle": Unidentified(),
}
