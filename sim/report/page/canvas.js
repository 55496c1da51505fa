// What the chart is drawn with: its canvas, colours and words; and what lies where on it.
const chart = document.getElementById("chart");
// The self test reads the canvas back, so that what it measures has been drawn.
const ink = chart.getContext("2d", { willReadFrequently: location.hash === "#selftest" });
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
let colours = {};
function readColours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ground", "raised", "lane", "line", "strong", "ink", "soft", "faint", "request",
    "reply", "error", "lost", "cancel", "past", "match", "match-fill", "failure", "operation",
    "debug", "info", "warn", "process-fault", "network-fault", "disk-fault", "clock-fault",
    "role-lightness", "role-saturation", "role-ink", "role-none"];
  colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue("--" + name).trim()]));
  roleColours.clear();
}

const generations = [...new Set(story.roles.map((role) => role.generation))].sort((a, b) => a - b)
  .filter((generation) => generation !== 0);
const roleColours = new Map();
function roleColour(generation) {
  if (generation === 0) return colours["role-none"];
  if (!roleColours.has(generation)) {
    const hue = (205 + generations.indexOf(generation) * 68) % 360;
    roleColours.set(generation,
      `hsl(${hue} ${colours["role-saturation"]} ${colours["role-lightness"]})`);
  }
  return roleColours.get(generation);
}

const FAULT_GROUPS = [
  [/process|machine|power|pause|processor|wipe/, "process-fault"],
  [/link|partition|half|connection|flip|name|swizzle|clog/, "network-fault"],
  [/clock/, "clock-fault"],
];
const faultColour = (kind) =>
  colours[(FAULT_GROUPS.find(([pattern]) => pattern.test(kind)) ?? [null, "disk-fault"])[1]];

// ---- What lies where: for pointing at it.

const hits = { points: [], boxes: [], lines: [] };
const putPoint = (x, y, kind, index) => hits.points.push({ x, y, kind, index });
const putBox = (x, y, width, height, kind, index) => hits.boxes.push({ x, y, width, height, kind, index });

function hitAt(x, y) {
  let best = null, least = 9;
  for (const point of hits.points) {
    const distance = Math.hypot(point.x - x, point.y - y);
    if (distance < least) { least = distance; best = point; }
  }
  if (best) return best;
  least = 5;
  for (const line of hits.lines) {
    const distance = distanceToLine(x, y, line);
    if (distance < least) { least = distance; best = line; }
  }
  if (best) return best;
  for (let i = hits.boxes.length - 1; i >= 0; --i) {
    const box = hits.boxes[i];
    if (x >= box.x - 2 && x <= box.x + box.width + 2 && y >= box.y && y <= box.y + box.height) return box;
  }
  return null;
}

function distanceToLine(x, y, { x1, y1, x2, y2 }) {
  const dx = x2 - x1, dy = y2 - y1;
  const along = Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(x - x1 - along * dx, y - y1 - along * dy);
}

// ---- Words on the canvas.

const widths = new Map();
function cut(text, room, font) {
  ink.font = font;
  const key = font + room + text;
  if (!widths.has(key)) {
    if (widths.size > 5000) widths.clear();
    let shown = text;
    if (ink.measureText(text).width > room) {
      let length = Math.max(0, Math.floor(text.length * room / ink.measureText(text).width));
      while (length > 0 && ink.measureText(text.slice(0, length) + "…").width > room) --length;
      shown = length > 1 ? text.slice(0, length) + "…" : "";
    }
    widths.set(key, shown);
  }
  return widths.get(key);
}

function write(text, x, y, { colour = colours.ink, size = 12, weight = 400, room = Infinity,
                             align = "left" } = {}) {
  const font = `${weight} ${size}px ${FONT}`;
  const shown = room === Infinity ? text : cut(text, room, font);
  ink.font = font;
  ink.fillStyle = colour;
  ink.textAlign = align;
  ink.textBaseline = "middle";
  ink.fillText(shown, x, y);
}
