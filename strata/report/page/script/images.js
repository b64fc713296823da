// Images of samples: cut from sheets, each of which is decoded when the first of its images is shown. Samples that are no
// images are shown as their texts.

const sprite = payload.sprite ?? { sheets: [], columns: 1, width: 1, height: 1, per_sheet: Infinity };
const { columns: SHEET_COLUMNS, width: IMAGE_WIDTH, height: IMAGE_HEIGHT, per_sheet: PER_SHEET } = sprite;
const sheets = sprite.sheets.map(() => null); // { image, ready } of each sheet that was asked for
const LONGER = Math.max(IMAGE_WIDTH, IMAGE_HEIGHT);
for (const [name, value] of Object.entries({ columns: SHEET_COLUMNS, wide: IMAGE_WIDTH / LONGER, high: IMAGE_HEIGHT / LONGER })) {
  document.documentElement.style.setProperty(`--${name}`, value);
}

function sheetOf(row) {
  const place = Math.floor(row / PER_SHEET);
  if (!sheets[place]) {
    const image = new Image();
    const ready = new Promise((resolve) => { image.onload = () => resolve(image); });
    const address = URL.createObjectURL(new Blob([bytesOf(sprite.sheets[place].split(",")[1])], { type: "image/png" }));
    sheets[place] = { image, ready, done: false, address };
    ready.then(() => { sheets[place].done = true; });
    image.src = address;
  }
  return sheets[place];
}

// Draw a sample's image into a rectangle of a canvas; returns whether its sheet was there already.
function drawImageAt(context, row, x, y, width, height) {
  const sheet = sheetOf(row), place = row % PER_SHEET;
  if (!sheet.done) return false;
  const left = (place % SHEET_COLUMNS) * IMAGE_WIDTH, top = Math.floor(place / SHEET_COLUMNS) * IMAGE_HEIGHT;
  context.drawImage(sheet.image, left, top, IMAGE_WIDTH, IMAGE_HEIGHT, x, y, width, height);
  return true;
}

// Draw a sample's image onto a canvas of the image's size, as soon as it can be.
function drawDigit(canvas, row) {
  canvas.width = IMAGE_WIDTH;
  canvas.height = IMAGE_HEIGHT;
  const draw = () => drawImageAt(canvas.getContext("2d"), row, 0, 0, IMAGE_WIDTH, IMAGE_HEIGHT);
  if (!draw()) sheetOf(row).ready.then(draw);
}

function imageOf(row, text = "") {
  if (!payload.sprite) return textOf(row);
  const canvas = document.createElement("canvas");
  if (text) {
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", text);
  } else {
    canvas.setAttribute("aria-hidden", "true");
  }
  drawDigit(canvas, row);
  return canvas;
}

function textOf(row) {
  const shown = document.createElement("p");
  shown.className = "sample-text";
  shown.textContent = payload.texts?.[row] ?? "";
  return shown;
}

// A sample's image as a background: hundreds of canvases would slow down every frame.
function smallImage(row) {
  const picture = document.createElement("span"), place = row % PER_SHEET, { address } = sheetOf(row);
  picture.className = "small-image";
  picture.style.backgroundImage = `url("${address}")`;
  picture.style.setProperty("--column", place % SHEET_COLUMNS);
  picture.style.setProperty("--line", Math.floor(place / SHEET_COLUMNS));
  return picture;
}

// A sample as a small image that can be chosen, with why it is there, and a few words of that below.
function thumbnail(row, why = "", short = "") {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "thumb";
  button.dataset.row = row;
  button.classList.toggle("wrong", runs.some((run) => isWrong(run, row)));
  button.setAttribute("aria-label", `${sampleText(row)}${why ? `; ${why}` : ""}`);
  button.title = button.getAttribute("aria-label");
  button.append(payload.sprite ? smallImage(row) : textOf(row));
  button.classList.toggle("of-text", !payload.sprite);
  if (short) {
    const text = document.createElement("span");
    text.className = "short";
    text.textContent = short;
    button.append(text);
    button.classList.add("told");
  }
  return button;
}

function sampleText(row) {
  const parts = [`sample ${ids[row]}`];
  if (known.labels) parts.push(`label ${classes[labels[row]]}`);
  if (known.predictions) runs.forEach((run, r) => parts.push(`predicted${runs.length > 1 ? ` ${"AB"[r]}` : ""} ${className(run.predicted[row])}`));
  return parts.join(", ");
}
