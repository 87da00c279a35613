/* Draws what an account opens. The table beside it says the same: without this file, nothing is missing. */
(() => {
  "use strict";

  const ROW = 38;
  const EDGE = 20;
  const NARROWEST_COLUMN = 170;
  const SYMBOLS = { person: "circle", role: "diamond", group: "circle", application: "roundRect", more: "emptyCircle" };
  const SIZES = { person: 22, role: 18, group: 14, application: 14, more: 8 };

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // A column's nodes stand around the middle, so that the lines between columns stay short.
  function placed(nodes, width) {
    const columns = [];
    for (const node of nodes) (columns[node.column] ||= []).push(node);
    const filled = columns.filter(Boolean);
    const step = Math.max(NARROWEST_COLUMN, (width - EDGE) / filled.length);
    const tallest = Math.max(...filled.map((column) => column.length));
    const places = new Map();
    filled.forEach((column, number) => {
      const above = ((tallest - column.length) * ROW) / 2;
      column.forEach((node, row) => places.set(node.id, { x: EDGE + number * step, y: EDGE + above + row * ROW }));
    });
    return { places, step, width: Math.ceil(EDGE + filled.length * step), height: 2 * EDGE + (tallest - 1) * ROW };
  }

  // Cut by ourselves: a label of a fixed width would cover the lines beside a short name.
  const pen = document.createElement("canvas").getContext("2d");
  function short(name, font, room) {
    pen.font = font;
    if (pen.measureText(name).width <= room) return name;
    let end = name.length;
    while (end > 1 && pen.measureText(`${name.slice(0, end)}…`).width > room) end -= 1;
    return `${name.slice(0, end).trimEnd()}…`;
  }

  function point(node, place, paint, room) {
    const weight = node.privileged || node.kind === "person" ? 700 : 400;
    const words = short(node.name, `${weight} 13px ${paint.font}`, room);
    return {
      id: node.id,
      name: node.name,
      x: place.x,
      y: place.y,
      symbol: SYMBOLS[node.kind],
      symbolSize: SIZES[node.kind],
      itemStyle: node.privileged
        ? { color: paint.accent, borderColor: paint.ink, borderWidth: 2 }
        : { color: node.kind === "person" ? paint.ink : paint.paper, borderColor: paint.ink, borderWidth: 1.5 },
      label: { fontWeight: weight, formatter: () => words },
    };
  }

  function draw(box) {
    if (!window.echarts) return;
    const told = JSON.parse(box.dataset.picture);
    const outer = box.parentElement;
    box.hidden = false;
    const at = placed(told.nodes, outer.clientWidth);
    box.style.width = `${at.width}px`;
    box.style.height = `${at.height}px`;
    const paper = getComputedStyle(box.closest(".card")).backgroundColor;
    const paint = { ink: colour("--ew-ink"), accent: colour("--ew-accent"), paper, font: getComputedStyle(document.body).fontFamily };
    const spread = [...at.places.values()];
    const [left, right] = [Math.min(...spread.map((p) => p.x)), Math.max(...spread.map((p) => p.x))];
    const [top, bottom] = [Math.min(...spread.map((p) => p.y)), Math.max(...spread.map((p) => p.y))];
    const chart = window.echarts.getInstanceByDom(box) || window.echarts.init(box, null, { renderer: "canvas" });
    chart.resize();
    chart.setOption({
      animation: false,
      textStyle: { fontFamily: paint.font },
      // Drawn into the canvas: the page's policy allows no styles that come as text.
      tooltip: { renderMode: "richText", confine: true, formatter: (hovered) => (hovered.dataType === "node" ? hovered.name : "") },
      series: [{
        type: "graph",
        layout: "none",
        left,
        top,
        width: Math.max(right - left, 2),
        height: Math.max(bottom - top, 2),
        cursor: "default",
        // On paper of its own, so that no line runs through a name.
        label: { show: true, position: "right", distance: 6, padding: [2, 4], color: paint.ink, backgroundColor: paper, fontSize: 13 },
        labelLayout: { hideOverlap: false },
        lineStyle: { color: paint.ink, opacity: 0.3, width: 1.25, curveness: 0 },
        emphasis: { focus: "adjacency", lineStyle: { opacity: 0.9 } },
        data: told.nodes.map((node) => point(node, at.places.get(node.id), paint, at.step - 44)),
        links: told.links.map((link) => ({ source: link.from, target: link.to })),
      }],
    });
    box.dataset.drawn = String(told.nodes.length);
  }

  function drawAll() {
    for (const box of document.querySelectorAll("[data-picture]")) draw(box);
  }

  let waiting = 0;
  function later() {
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 150);
  }

  document.addEventListener("DOMContentLoaded", () => {
    drawAll();
    window.addEventListener("resize", later);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", later);
  });
})();
