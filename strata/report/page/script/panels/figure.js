// Save or copy what is seen: the large map as PNG or SVG, a chart as SVG, the selected ids as a list for a command.

const FIGURE_SIDE = 1600;

function save(content, name, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function figureName(view) {
  return `map-${view.layer.name}-${state.colour}`.replaceAll(/[^\w-]+/g, "_");
}

// The large map's points with the selection, on paper, with its title below.
async function mapAsPng(view) {
  const pixels = FIGURE_SIDE / view.inside.width, canvas = document.createElement("canvas"), points = document.createElement("canvas");
  drawPoints(view, points, pixels);
  Object.assign(canvas, { width: points.width, height: points.height + 70 });
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(points, 0, 0);
  for (const layer of [view.overlay, view.marks].filter((each) => !each.hidden)) context.drawImage(layer, 0, 0, points.width, points.height);
  context.fillStyle = "#222";
  context.font = "34px system-ui, sans-serif";
  context.fillText(figureTitle(view), 24, canvas.height - 24);
  return new Promise((done) => { canvas.toBlob(done, "image/png"); });
}

function figureTitle(view) {
  const { layer, run } = view;
  return `${layer.name}: ${layer.about}. ${run.method.title} of ${visibleRows().length.toLocaleString("en")} samples, by ${control("colour").selectedOptions[0].textContent}`;
}

function mapAsSvg(view) {
  const side = view.inside.width, { scale, xs, ys } = view, { palette, at } = COLOURS[state.colour], place = at(view.run, view.layer);
  const groups = new Map();
  for (const row of visibleRows()) {
    const x = scale.x(xs[row]), y = scale.y(ys[row]), dim = selectedRows().length && !state.selected[row];
    if (x < 0 || y < 0 || x > side || y > side) continue;
    const colour = dim ? "#dddddd" : palette[place(row)];
    groups.set(colour, `${groups.get(colour) ?? ""}M${x.toFixed(1)} ${y.toFixed(1)}h0`);
  }
  const paths = [...groups].map(([colour, path]) => svg("path", { d: path, stroke: colour, "stroke-width": markerSize(true), "stroke-linecap": "round", "stroke-opacity": 0.85, fill: "none" }));
  const title = svg("text", { x: 8, y: side + 20, "font-size": 12, "font-family": "sans-serif", fill: "#222" }, figureTitle(view));
  const names = (view.names ?? []).filter((name) => !name.hidden).map((name) => svg("text", {
    x: (Number(name.style.getPropertyValue("--x")) * side) / 100, y: (Number(name.style.getPropertyValue("--y")) * side) / 100, "font-size": 14, "font-family": "sans-serif", "text-anchor": "middle", fill: "#222" }, name.textContent));
  return svgText(svg("svg", { viewBox: `0 0 ${side} ${side + 30}`, width: side, height: side + 30 }, svg("rect", { width: side, height: side + 30, fill: "#fff" }), ...paths, ...names, title));
}

function svgText(element) {
  return new XMLSerializer().serializeToString(element);
}

control("save-png").addEventListener("click", async () => save(await mapAsPng(views[0]), `${figureName(views[0])}.png`, "image/png"));
control("save-svg").addEventListener("click", () => save(mapAsSvg(views[0]), `${figureName(views[0])}.svg`, "image/svg+xml"));
control("copy-png").addEventListener("click", async () => sayCopied(await copiedPicture(mapAsPng(views[0])), "the map is copied as PNG"));
control("copy-svg").addEventListener("click", async () => sayCopied(await copied(mapAsSvg(views[0])), "the map is copied as SVG, a text"));

function sayCopied(done, text) {
  say(done ? text : "the browser refused to copy");
}

// Copy a promised picture; the browser asks for the promise at once, as long as the click counts.
async function copiedPicture(picture) {
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })]);
    return true;
  } catch {
    return false;
  }
}

control("save-ids").addEventListener("click", () => {
  const rows = selectedRows().length ? selectedRows() : visibleRows();
  save(`${rows.map((row) => ids[row]).join("\n")}\n`, "sample_ids.txt", "text/plain");
});

// A button in a chart's card that saves the chart, with the colours of paper.
function chartSaver(title, area) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "save";
  button.textContent = "SVG";
  button.setAttribute("aria-label", `save the chart "${title}" as SVG`);
  button.addEventListener("click", () => {
    const copy = area.cloneNode(true);
    for (const [name, value] of Object.entries({ width: 680, height: 440, color: "#222222", "font-family": "sans-serif" })) copy.setAttribute(name, value);
    save(svgText(copy), `${title.replaceAll(/[^\w-]+/g, "_")}.svg`, "image/svg+xml");
  });
  return button;
}
