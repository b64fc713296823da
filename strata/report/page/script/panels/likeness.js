// How similar the layers are: tables of CKA.

function ckaTables() {
  const place = document.getElementById("cka");
  runs.forEach((run, r) => {
    const rows = rowsOf(run.cka);
    for (const control of r || runs.length > 1 ? ["none"] : ["none", "untrained"]) {
      const table = document.createElement("table");
      table.className = "ladder";
      table.createCaption().textContent = runs.length > 1 ? `${"AB"[r]}: ${run.name}` : payload.controls[control].title;
      table.createTHead().insertRow().append(document.createElement("td"), ...layerNames.map((name) => headCell(name, "col")));
      const body = table.createTBody();
      for (const first of layerNames) {
        const tableRow = body.insertRow();
        tableRow.append(headCell(first, "row"));
        for (const second of layerNames) {
          const value = rows.find((row) => row.layer === first && row.other_layer === second && row.control === control)?.value;
          const cell = document.createElement("span"), colour = onScale(value ?? NaN);
          cell.textContent = value === null || value === undefined ? "–" : value.toFixed(2);
          cell.style.background = colour;
          cell.style.color = isDark(colour) ? "#fff" : "#000";
          tableRow.insertCell().append(cell);
        }
      }
      const scroll = document.createElement("div");
      scroll.className = "scroll";
      scroll.append(table);
      place.append(scroll);
    }
  });
}

addPanel(ckaTables, true);
