"""The page itself: one HTML file that carries its style, its pictures and the script that draws them."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from .chart import NOTHING, Chart, Table
from .content import Answer, Report, Store
from .drift import drift
from .evaluation import judgement
from .pipeline_graph import BOX_HEIGHT, BOX_WIDTH, Graph
from .timeline import timeline
from .times import day_and_time

HERE = Path(__file__).parent
MOST_ANSWERS = 20


def write(report: Report, path: Path) -> None:
    """Write the page to `path`, replacing what is there."""
    path.write_text(render(report), encoding="utf-8")


def render(report: Report) -> str:
    """Return the page's text: the same report always gives the same one."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = _figure
    environment.filters["moment"] = day_and_time
    monitoring = report.monitoring
    return environment.get_template("page.html.j2").render(
        report=report,
        graph=None if report.pipeline is None else Graph.of(report.pipeline),
        box=(BOX_WIDTH, BOX_HEIGHT),
        judgement=None if report.evaluation is None else judgement(report.evaluation),
        drift=None if monitoring is None else drift(monitoring),
        timeline=None if monitoring is None else timeline(monitoring),
        answers=None if report.serving is None else _answers("Record", report.serving.answers),
        groups=None if report.store is None else _groups(report.store),
        by_id=None if report.store is None else _answers("Id", report.store.answers),
        # These are ours or Plotly's and hold no text of a report, so they stand in the page as they are.
        style=Markup((HERE / "page.css").read_text(encoding="utf-8")),  # noqa: S704 - see above
        script=Markup((HERE / "page.js").read_text(encoding="utf-8")),  # noqa: S704 - see above
        plotly=Markup(get_plotlyjs()),  # noqa: S704 - see above
    )


def _answers(name: str, answers: Sequence[Answer]) -> Table:
    shown = [
        (each.record, each.prediction, NOTHING if each.probability is None else f"{each.probability:.3f}", each.truth)
        for each in answers[:MOST_ANSWERS]
    ]
    return Table((name, "Prediction", "Probability", "Truth"), shown)


def _groups(store: Store) -> Table:
    shown = [
        (each.name, each.description, f"{each.features:,}", f"{each.rows:,}", f"{each.quarantined:,}", each.newest)
        for each in store.groups
    ]
    return Table(("Group", "What it says", "Columns", "Rows", "Set aside", "Newest"), shown)


def _figure(chart: Chart) -> Markup:
    """Return the figure's JSON, in which `<` is written so that nothing in it can end the script element around it."""
    return Markup(chart.data)  # noqa: S704 - see above
