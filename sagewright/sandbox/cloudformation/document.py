"""Why: a template comes as JSON or YAML, inline or from S3; the rest of the service sees plain Python values."""

import json
import re
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.exceptions import ClientError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ..clients import ActingClients
from ..protocol import ApiError, Caller

MAX_BODY_BYTES = 51_200
MAX_S3_BYTES = 1_048_576

_PATH_STYLE_HOST = re.compile(r"localhost(:\d+)?|127\.0\.0\.1(:\d+)?|s3([.-][a-z0-9-]+)*\.amazonaws\.com(\.cn)?")
_VIRTUAL_HOST = re.compile(
    r"(?P<bucket>[a-z0-9][a-z0-9.-]+)\.(localhost(:\d+)?|s3([.-][a-z0-9-]+)?\.amazonaws\.com(\.cn)?)"
)
_OBJECT_REFERENCES = {"!Ref": "Ref", "!Condition": "Condition"}


def template_body(params: dict[str, Any], clients: ActingClients, caller: Caller) -> str:
    """Return the text of the template that a request carries or points to."""
    body, url = params.get("TemplateBody"), params.get("TemplateURL")
    if body is not None and url is not None:
        raise _invalid("You cannot specify both TemplateBody and TemplateURL.")
    if body is not None:
        if len(body.encode()) > MAX_BODY_BYTES:
            constraint = f"Member must have length less than or equal to {MAX_BODY_BYTES}"
            told = f"Value '{body}' at 'templateBody' failed to satisfy constraint: {constraint}"
            raise _invalid(f"1 validation error detected: {told}")
        return body
    if url is None:
        raise _invalid("Either Template URL or Template Body must be specified.")
    return _fetched(url, clients, caller)


def parsed(body: str) -> dict[str, Any]:
    """Return the template as nested dicts and lists, YAML's short function forms written out."""
    is_json = body.lstrip().startswith("{")
    try:
        document = json.loads(body) if is_json else _yaml().load(body)
    except json.JSONDecodeError as error:
        raise _invalid(
            f"Template format error: JSON not well-formed. (line {error.lineno}, column {error.colno})"
        ) from None
    except YAMLError as error:
        mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise _invalid(f"Template format error: YAML not well-formed.{where}") from None
    if not isinstance(document, dict):
        raise _invalid("Template format error: unsupported structure.")
    return document


def _fetched(url: str, clients: ActingClients, caller: Caller) -> str:
    address = urlsplit(url)
    path = unquote(address.path.lstrip("/"))
    if _PATH_STYLE_HOST.fullmatch(address.netloc):
        bucket, _, key = path.partition("/")
    elif virtual := _VIRTUAL_HOST.fullmatch(address.netloc):
        bucket, key = virtual["bucket"], path
    else:
        raise _invalid("TemplateURL must be a supported URL.")
    if not bucket or not key:
        raise _invalid("TemplateURL must reference a valid S3 object to which you have access.")
    try:
        answer = clients.get("s3", caller.account, caller.region).get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        link = "http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
        message = error.response["Error"].get("Message", "")
        raise _invalid(f"S3 error: {message}\nFor more information check {link}") from None
    if answer["ContentLength"] > MAX_S3_BYTES:
        raise _invalid(f"Template may not exceed {MAX_S3_BYTES} bytes in size.")
    return answer["Body"].read().decode()


def _yaml() -> YAML:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 1)
    yaml.Constructor = _Constructor
    return yaml


class _Constructor(SafeConstructor):
    """Reads !Ref and its kin; dates stay text, because a policy's Version is one."""


def _function(constructor: SafeConstructor, tag: str, node: Node) -> dict[str, Any]:
    name = _OBJECT_REFERENCES.get(f"!{tag}", f"Fn::{tag}")
    value: Any
    if isinstance(node, ScalarNode):
        value = constructor.construct_scalar(node)
        if tag == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, SequenceNode):
        value = constructor.construct_sequence(node, deep=True)
    else:
        value = constructor.construct_mapping(node, deep=True) if isinstance(node, MappingNode) else None
    return {name: value}


_Constructor.add_multi_constructor("!", _function)
_Constructor.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)


def _invalid(message: str) -> ApiError:
    return ApiError("ValidationError", message)
