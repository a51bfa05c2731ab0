"""The few kinds of figures that the charts are made of, so that they look alike."""

from typing import Any

import plotly.graph_objects as go

LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 44


def figure(*traces: Any, across: str, up: str, legend: bool = True, **layout: Any) -> go.Figure:
    """Put traces over two named axes; fonts, grid and ground are the page's, and come with its light or dark."""
    made = go.Figure(data=[*traces])
    made.update_layout(
        margin={"l": LEFT, "r": RIGHT, "t": TOP, "b": BOTTOM},
        showlegend=legend,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        xaxis={"title": {"text": across, "standoff": 8}, "automargin": True, "zeroline": False, "fixedrange": True},
        yaxis={"title": {"text": up, "standoff": 8}, "automargin": True, "zeroline": False, "fixedrange": True},
        hovermode="closest",
        dragmode=False,
    )
    return made.update_layout(**layout)


def shares(made: go.Figure) -> go.Figure:
    """Let both axes go from 0 to 1, with a little room for what lies on the edge."""
    return made.update_xaxes(range=[-0.02, 1.02]).update_yaxes(range=[-0.02, 1.05])
