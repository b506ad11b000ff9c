/* Draws the report's figures and lets a cell, an item or a row open its defect. The page is complete without it. */
(function () {
  "use strict";

  const STEPS = { narrow: 0, medium: 560, wide: 1080 };   // width of the figure's place, in pixels
  const PRINTED = 690;                                   // an A4 page between its margins
  const places = [];

  /* Figures name their colours as custom properties, which Plotly cannot read. */
  function coloured(value, style) {
    if (typeof value === "string") {
      const found = /^var\((--[\w-]+)\)$/.exec(value);
      return found ? style.getPropertyValue(found[1]).trim() : value;
    }
    if (Array.isArray(value)) return value.map((part) => coloured(part, style));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, coloured(part, style)]));
    }
    return value;
  }

  function figureFor(figures, width) {
    const fitting = Object.keys(STEPS).filter((name) => figures[name] && STEPS[name] <= width);
    return figures[fitting.pop() || Object.keys(STEPS).find((name) => figures[name])];
  }

  function draw(place, width) {
    const style = getComputedStyle(place.node);
    const figure = coloured(figureFor(place.figures, width), style);
    figure.layout.width = width;
    figure.layout.font.family = style.fontFamily;
    place.width = width;
    const drawn = Plotly.react(place.node, figure.data, figure.layout, {
      displayModeBar: false, scrollZoom: false, doubleClick: false, showTips: false,
      locale: document.documentElement.lang === "zh-CN" ? "zh-CN" : "en",
    });
    if (!place.listening) {
      place.listening = true;
      drawn.then(() => place.node.on("plotly_click", (event) => open(event.points[0].customdata)));
    }
  }

  function fit(place) {
    if (place.node.closest("details:not([open])")) return;
    const width = Math.floor(place.node.clientWidth);
    if (width > 40 && Math.abs(width - place.width) > 1) draw(place, width);
  }

  function redraw(width) {
    places.forEach((place) => { if (place.width) draw(place, width || place.node.clientWidth); });
  }

  /* A chart opens what the page already links to, so that it can do nothing the page cannot. */
  function open(cell) {
    const link = typeof cell === "string" && cell && document.querySelector(`a[data-cell="${CSS.escape(cell)}"]`);
    if (link) link.click();
  }

  function startFigures() {
    const watcher = new ResizeObserver((entries) => entries.forEach((entry) => fit(entry.target.place)));
    document.querySelectorAll("script.figure").forEach((script) => {
      const node = document.getElementById(script.dataset.for);
      const place = { node, figures: JSON.parse(script.textContent), width: 0, listening: false };
      node.place = place;
      places.push(place);
      fit(place);
      watcher.observe(node);
    });
    document.addEventListener("toggle", () => places.forEach(fit), true);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw());
    matchMedia("print").addEventListener("change", (event) => redraw(event.matches ? PRINTED : 0));
  }

  function said(button, word) {
    const before = button.textContent;
    button.textContent = word;
    setTimeout(() => { button.textContent = before; }, 1500);
  }

  function copy(text, button) {
    const done = () => said(button, button.dataset.done);
    if (navigator.clipboard) {
      navigator.clipboard.writeText(text).then(done, () => copyOldWay(text, done));
    } else {
      copyOldWay(text, done);
    }
  }

  function copyOldWay(text, done) {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    if (document.execCommand("copy")) done();
    area.remove();
  }

  /* Rows with tabs between the cells.  Excel does not know the true minus, and runs what begins with = + - @. */
  function tabbed(table) {
    return Array.from(table.rows, (row) => Array.from(row.cells, (cell) => {
      const text = cell.textContent.trim().replace(/\s+/g, " ").replace(/^−(?=[\d.])/, "-").replace(/^\+(?=[\d.])/, "");
      return /^[=+@]|^-(?![\d.])/.test(text) ? `'${text}` : text;
    }).join("\t")).join("\n");
  }

  const actions = {
    "copy-table": (button) => copy(tabbed(button.closest("details").querySelector("table")), button),
    "copy-link": (button) => copy(location.href, button),
    print: () => window.print(),
  };

  function startControls() {
    document.querySelectorAll("[data-do]").forEach((button) => {
      button.hidden = false;
      button.addEventListener("click", () => actions[button.dataset.do](button));
    });
    document.querySelectorAll("details.twin").forEach((twin) => { twin.open = false; twin.classList.add("ready"); });
    document.querySelectorAll("form.filters").forEach((form) => {
      form.classList.add("live");
      form.addEventListener("change", () => form.submit());
      const fold = form.querySelector("details.fold");
      if (matchMedia("(max-width: 720px)").matches) fold.open = false;
    });
  }

  /* In the one-file report each defect is folded away; its address opens it. */
  function unfold() {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const fold = target && target.closest("details.panel-fold");
    if (fold) {
      fold.open = true;
      fold.scrollIntoView();
    }
  }

  function start() {
    startControls();
    if (window.Plotly) startFigures();
    else document.querySelectorAll("details.twin").forEach((twin) => { twin.open = true; });
    addEventListener("hashchange", unfold);
    unfold();
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
