// What to see: sentences from the run's tables. A click shows each on the maps.

function findingSelection({ classes: chosen, kept }) {
  if (kept === "wrong") return visibleRows().filter((row) => isWrong(runs[0], row));
  return chosen.length && known.labels ? visibleRows().filter((row) => chosen.includes(labels[row])) : [];
}

function showFinding(finding, button) {
  leaveQueue();
  if (visibleRows().length < count) resetFilters();
  chooseColour(known[COLOURS[finding.colour]?.needs] ? finding.colour : state.colour);
  stopPlaying();
  moveTo(Math.max(0, layerNames.indexOf(finding.layer)));
  select(findingSelection(finding));
  for (const each of document.querySelectorAll("#findings button")) each.setAttribute("aria-pressed", String(each === button));
}

function makeFindings() {
  const place = document.getElementById("findings"), found = runs.length > 1 ? differenceFindings() : runs[0].headlines ?? [];
  for (const finding of found) {
    const item = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.dataset.key = finding.key;
    button.textContent = finding.sentence;
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => (finding.show ? finding.show(button) : showFinding(finding, button)));
    item.append(button);
    if (finding.sure) {
      const more = document.createElement("details"), name = document.createElement("summary"), text = document.createElement("p");
      name.textContent = "how sure?";
      text.textContent = finding.sure;
      more.append(name, text);
      item.append(more);
    }
    place.append(item);
  }
  if (!found.length) place.replaceWith(chartNote("No finding of this run is surer than chance, or none was measured."));
}

addPanel(makeFindings);
