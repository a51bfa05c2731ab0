"use strict";
(() => {
  const settings = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false };
  // A4 without its margins, in CSS pixels: the page's own width is not yet the paper's when the pictures are redrawn.
  const paper = { wide: 670, half: 322 };
  const narrow = 500;
  const entryHeight = 20;
  let printing = false;

  const colours = () => {
    const style = getComputedStyle(document.documentElement);
    const light = { text: "#000000", line: "#b9c0c7" };
    return printing ? light : { text: style.getPropertyValue("--text"), line: style.getPropertyValue("--line") };
  };

  const axis = (own, { line }) => ({ ...own, gridcolor: line, linecolor: line, tickcolor: line, showline: true });

  const layout = (own, element, entries) => {
    const used = colours();
    const made = {
      ...own,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: used.text },
      xaxis: axis(own.xaxis, used),
      yaxis: axis(own.yaxis, used),
      autosize: !printing,
    };
    const width = printing ? (element.closest(".wide") ? paper.wide : paper.half) : element.clientWidth;
    if (printing) made.width = width;
    // Where the legend's entries stand below each other, they must not take the picture's room.
    if (width < narrow) made.height = own.height + Math.max(0, entries - 2) * entryHeight;
    return made;
  };

  const draw = (element) => {
    const figure = JSON.parse(document.getElementById(element.dataset.chart).textContent);
    return Plotly.react(element, figure.data, layout(figure.layout, element, figure.data.length), settings);
  };

  // What is folded in has no width to draw into; it is drawn when it is opened.
  const shown = () => [...document.querySelectorAll(".plot")].filter((each) => !each.closest("details:not([open])"));
  const drawShown = () => Promise.all(shown().map(draw));

  for (const details of document.querySelectorAll("details.more")) details.addEventListener("toggle", drawShown);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawShown);
  addEventListener("beforeprint", () => { printing = true; drawShown(); });
  addEventListener("afterprint", () => { printing = false; drawShown(); });
  drawShown().then(() => { document.documentElement.dataset.drawn = "yes"; });
})();
