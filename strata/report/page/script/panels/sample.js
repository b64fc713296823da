// One sample: its card, and layer by layer what its neighbours vote for, with their images, false ones marked.

const STRIP = 10; // neighbours shown in each layer

function sampleView(row) {
  const parts = [sampleCard(row, 0, shownLayer())];
  runs.forEach((run, r) => {
    if (!run.layers[0].neighbours || !run.layers.some((layer) => layer.neighbours[row * layer.k] >= 0)) return;
    parts.push(neighbourTable(run, r, row));
  });
  const like = document.createElement("button");
  like.type = "button";
  like.id = "like";
  like.textContent = `select it and its nearest at ${layerNames[shownLayer()]}`;
  like.addEventListener("click", () => selectLike(row));
  if (known.neighbours) parts.push(like);
  return parts;
}

function neighbourTable(run, r, row) {
  const table = document.createElement("table");
  table.className = "votes";
  table.createCaption().textContent = `${runs.length > 1 ? `${"AB"[r]}: ` : ""}Its nearest in each layer, the nearest first${known.labels ? "; framed: another label" : ""}`;
  run.layers.forEach((layer, l) => {
    const line = table.insertRow(), name = headCell(layer.name, "row");
    line.classList.toggle("shown", l === shownLayer());
    line.append(name);
    if (known.labels && layer.vote) line.append(voteCell(layer.vote[row], row, layer.name));
    const cell = line.insertCell();
    cell.className = "strip";
    for (let i = 0; i < Math.min(STRIP, layer.k); i++) {
      const other = layer.neighbours[row * layer.k + i];
      if (other < 0) continue;
      const image = thumbnail(other);
      image.classList.toggle("false", known.labels && labels[other] !== labels[row]);
      image.classList.remove("wrong");
      cell.append(image);
    }
  });
  return table;
}

function voteCell(vote, row, layer) {
  const cell = document.createElement("td"), swatch = document.createElement("span");
  cell.className = "vote";
  if (vote === UNKNOWN) {
    cell.textContent = "–";
    return cell;
  }
  swatch.className = "swatch";
  swatch.style.background = payload.class_colours[vote];
  cell.append(swatch, ` ${classes[vote]}${vote === labels[row] ? "" : " ✗"}`);
  cell.title = `the vote at ${layer}`;
  return cell;
}

function headCell(name, scope) {
  const cell = document.createElement("th");
  cell.scope = scope;
  cell.textContent = name;
  return cell;
}
