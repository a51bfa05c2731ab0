"""What must hold between the keys of a project, once each of them is right by itself."""

from collections.abc import Iterator

from sagewright.project import environment_variables
from sagewright.project.finding import Finding
from sagewright.project.messages import shown
from sagewright.project.metrics import METRICS_OF, SPLITS_OF
from sagewright.project.model import Data, Evaluation, Serving

_PROBLEM = ("data", "problem")


def data(section: Data) -> Iterator[Finding]:
    """Hold the data section to what its problem allows."""
    splits = SPLITS_OF[section.problem]
    if section.split.by not in splits:
        message = f"'{section.split.by}' needs classes, and {section.problem} has none; write {' or '.join(splits)}"
        yield Finding(("data", "split", "by"), message, (_PROBLEM,))
    if section.positive_label is not None and section.problem != "binary_classification":
        message = f"is only for binary_classification, and data.problem is {section.problem}; remove it"
        yield Finding(("data", "positive_label"), message, (_PROBLEM,))
    if section.record_id == section.label:
        message = f"'{section.label}' is data.label too; name the column that identifies a row, or leave it out"
        yield Finding(("data", "record_id"), message, (("data", "label"),))
    for key in ("label", "record_id"):
        if section.event_time is not None and section.event_time == getattr(section, key):
            message = f"'{section.event_time}' is data.{key} too; name the column that says when a row was true"
            yield Finding(("data", "event_time"), message, (("data", key),))
    if section.split.by == "time" and section.event_time is None:
        message = "is required by `split.by: time`: the column that says when a row was true"
        yield Finding(("data", "event_time"), message, (("data", "split", "by"),))
    if section.known_by != "event_time" and not section.join:
        yield Finding(("data", "known_by"), "would be ignored, because nothing is joined; add data.join, or remove it")


def lookup(serving: Serving, learnt: Data) -> Iterator[Finding]:
    """Refuse what is said of looking up where nothing is."""
    if "lookup" in serving.model_fields_set and not learnt.join:
        message = "would be ignored, because nothing is joined: requests hold every column; remove it"
        yield Finding(("serving", "lookup"), message, (("data", "join"),))
    if learnt.join:
        for fault in environment_variables.beside_lookups(serving.environment):
            yield Finding(("serving", "environment"), fault, (("data", "join"),))


def evaluation(section: Evaluation) -> Iterator[Finding]:
    """Hold the threshold to the metric's direction and range."""
    bound = section.judge.bound
    other = "maximum" if bound == "minimum" else "minimum"
    related = (("evaluation", "metric"), _PROBLEM)
    if getattr(section, other) is not None:
        better = "grows" if bound == "minimum" else "falls"
        message = f"does not go with {section.metric}, which {better} as the model improves; give evaluation.{bound}"
        yield Finding(("evaluation", other), message, related)
    value = getattr(section, bound)
    if value is None and getattr(section, other) is None:
        message = f"is required: the {'least' if bound == 'minimum' else 'most'} that {section.metric} may be"
        yield Finding(("evaluation", bound), message, related)
    if value is not None and section.judge.most is not None and value > section.judge.most:
        message = f"{shown(value)} is more than {section.metric} can be (at most {section.judge.most:g})"
        yield Finding(("evaluation", bound), message, related)
    if value is not None and section.judge.least is not None and value < section.judge.least:
        message = f"{shown(value)} is less than {section.metric} can be (at least {section.judge.least:g})"
        yield Finding(("evaluation", bound), message, related)
    yield from _tolerance(section)


def _tolerance(section: Evaluation) -> Iterator[Finding]:
    """Refuse a tolerance that no two models can differ by, such as one in percent."""
    least, most = section.judge.least, section.judge.most
    if section.champion is None or least is None or most is None or section.champion.tolerance < most - least:
        return
    message = (
        f"{shown(section.champion.tolerance)} would refuse no model: {section.metric} is between {least:g} and "
        f"{most:g}, and the tolerance is in its unit; write less than {most - least:g}, such as 0.005"
    )
    yield Finding(("evaluation", "champion", "tolerance"), message, (("evaluation", "metric"), _PROBLEM))


def metric(learnt: Data, judged: Evaluation) -> Iterator[Finding]:
    """Hold the metric to those that judge the problem."""
    fitting = METRICS_OF[learnt.problem]
    if judged.metric not in fitting:
        message = f"'{judged.metric}' does not judge {learnt.problem}; choose from {', '.join(fitting)}"
        yield Finding(("evaluation", "metric"), message, (_PROBLEM,))
