"""Why: between a client and a container stands SageMaker's runtime, which has its own limits, headers and errors."""

import http.client
import json
import time
import uuid
from dataclasses import dataclass

from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

from ...protocol import ApiError, Caller, error_response
from .capture import Exchange, Payload
from .instance import Instance

MAX_BODY = 6_291_456
"""Bytes of a request and of an answer: the length of BodyBlob in botocore's model of the runtime."""
TIMEOUT_S = 60
CUSTOM = "X-Amzn-SageMaker-Custom-Attributes"
INFERENCE_ID = "X-Amzn-SageMaker-Inference-Id"
VARIANT = "x-Amzn-Invoked-Production-Variant"
TARGET_VARIANT = "X-Amzn-SageMaker-Target-Variant"
UNAVAILABLE = (
    "X-Amzn-SageMaker-Target-Model",
    "X-Amzn-SageMaker-Target-Container-Hostname",
    "X-Amzn-SageMaker-Enable-Explanations",
    "X-Amzn-SageMaker-Inference-Component",
    "X-Amzn-SageMaker-Session-Id",
    "X-Amzn-SageMaker-Prefix-Aware-Id",
)
CLIENT_ERROR, SERVER_ERROR = 400, 500
BAD_GATEWAY = 502
NO_INSTANCE = "The endpoint has no healthy instance at the moment."
TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for each"
    " container in Amazon CloudWatch, resolve the issue, and try again."
)


@dataclass(frozen=True)
class Answer:
    """What a container answered."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    seconds: float
    """From sending the request to the last byte of the answer."""


class ModelError(Exception):
    """The container answered 4xx or 5xx, not at all, or too much."""

    def __init__(self, status: int, message: str, stream: str, *, complete: bool = True) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.stream = stream
        self.complete = complete


def refuse_request(headers: Headers, body: bytes, variant: str, endpoint: str) -> None:
    """Refuse what the runtime refuses before a container sees it."""
    if len(body) > MAX_BODY:
        raise ApiError("413", f"HTTP content length exceeded {MAX_BODY} bytes.", 413)
    for name in UNAVAILABLE:
        if headers.get(name):
            raise ApiError("ValidationError", f"{name} is not available in the sandbox.")
    wanted = headers.get(TARGET_VARIANT)
    if wanted and wanted != variant:
        raise ApiError("ValidationError", f"Variant {wanted} not found for Endpoint {endpoint}.")


def send(instance: Instance | None, headers: Headers, body: bytes, timeout_s: float) -> Answer:
    """Send the request to the instance and return its answer if that is a success."""
    if instance is None:
        raise ApiError("ServiceUnavailable", NO_INSTANCE, 503)
    stream = instance.logs.stream
    forwarded = {name: value for name in ("Content-Type", "Accept", CUSTOM) if (value := headers.get(name))}
    connection = http.client.HTTPConnection("127.0.0.1", instance.container.port, timeout=timeout_s)
    try:
        connection.connect()
        began = time.monotonic()
        connection.request("POST", "/invocations", body=body, headers=forwarded)
        reply = connection.getresponse()
        content = reply.read(MAX_BODY + 1)
        answer = Answer(reply.status, reply.headers, content, time.monotonic() - began)
    except ConnectionRefusedError as error:  # the instance died; its replacement is on the way
        raise ApiError("ServiceUnavailable", NO_INSTANCE, 503) from error
    except TimeoutError as error:
        raise ModelError(0, TIMED_OUT, stream) from error
    except (OSError, http.client.HTTPException) as error:  # it died over this request: the image's nginx says so
        raise ModelError(BAD_GATEWAY, "Bad Gateway", stream) from error
    finally:
        connection.close()
    if len(answer.body) > MAX_BODY:
        raise ModelError(answer.status, "", stream, complete=False)
    if answer.status >= CLIENT_ERROR:
        raise ModelError(answer.status, answer.body.decode(errors="replace"), stream)
    return answer


def exchange(request_id: str, headers: Headers, body: bytes, answer: Answer) -> Exchange:
    """Return what there is to capture of a request that was answered."""
    return Exchange(
        request_id,
        Payload(headers.get("Content-Type", ""), body),
        Payload(_content_type(answer), answer.body),
        headers.get(CUSTOM, ""),
        headers.get(INFERENCE_ID, ""),
    )


def success(answer: Answer, variant: str, request_id: str) -> Response:
    """Return the runtime's response to a container's answer."""
    response = Response(answer.body, status=200)
    response.headers["Content-Type"] = _content_type(answer)
    response.headers[VARIANT] = variant
    response.headers["x-amzn-RequestId"] = request_id
    if custom := answer.headers.get(CUSTOM):
        response.headers[CUSTOM] = custom
    return response


def _content_type(answer: Answer) -> str:
    return answer.headers.get("Content-Type", "application/octet-stream")


def refusal(error: ApiError) -> Response:
    """Return an error of the runtime itself."""
    return error_response("rest-json", error)


def model_error(error: ModelError, endpoint: str, caller: Caller) -> Response:
    """Return ModelError as botocore's model of the runtime has it."""
    side = "client" if CLIENT_ERROR <= error.status < SERVER_ERROR else "server"
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    body = f'with message "{error.message}"' if error.complete else "and could not load the entire response body"
    console = f"https://{caller.region}.console.aws.amazon.com/cloudwatch/home?region={caller.region}"
    content = {
        "Message": (
            f"Received {side} error ({error.status}) from primary {body}. See {console}#logEventViewer:group={group}"
            f" in account {caller.account} for more information."
        ),
        "OriginalStatusCode": error.status,
        "OriginalMessage": error.message,
        "LogStreamArn": f"arn:aws:logs:{caller.region}:{caller.account}:log-group:{group}:log-stream:{error.stream}",
    }
    headers = {
        "x-amzn-ErrorType": "ModelError",
        "x-amzn-RequestId": str(uuid.uuid4()),
        "Content-Type": "application/json",
    }
    return Response(json.dumps(content), status=424, headers=headers)
