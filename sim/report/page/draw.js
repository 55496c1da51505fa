// The chart: everything in view, drawn anew for every frame, and what lies where on it.
const chart = document.getElementById("chart");
const ink = chart.getContext("2d");
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
// Above this many messages in view their density is drawn, and only those that stand out.
const ARROWS_MAX = 900;

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

// ---- Parts, from the back to the front.

const inView = (x1, x2) => x2 >= GUTTER && x1 <= view.width;

function drawLanes() {
  ink.fillStyle = colours.ground;
  ink.fillRect(0, 0, view.width, view.height);
  let zone = null, shaded = false;
  for (const row of layout.rows) {
    const lane = story.lanes[row.lane];
    const place = lane.client ? "clients" : `${lane.data_center}/${lane.zone || lane.machine}`;
    if (place !== zone) shaded = !shaded;
    zone = place;
    const y = lanesTop() + row.y - view.scroll;
    if (y > view.height || y + row.height < lanesTop()) continue;
    if (shaded) {
      ink.fillStyle = colours.lane;
      ink.fillRect(GUTTER, y, view.width - GUTTER, row.height);
    }
    ink.fillStyle = colours.line;
    ink.fillRect(GUTTER, y + row.height - 1, view.width - GUTTER, 1);
  }
}

// Where messages and details were not kept.
function drawEdges() {
  const shade = (x1, x2, text) => {
    if (x2 - x1 < 1 || !inView(x1, x2)) return;
    const left = Math.max(x1, GUTTER), right = Math.min(x2, view.width);
    ink.save();
    ink.globalAlpha = 0.5;
    ink.fillStyle = colours.raised;
    ink.fillRect(left, lanesTop(), right - left, view.height);
    ink.restore();
    write(text, left + 8, view.height - 12, { colour: colours.faint, size: 11.5, room: right - left - 12 });
  };
  const text = "messages and details are not kept here";
  if (story.detailsFrom > 0) shade(xOfTime(0), xOfTime(story.detailsFrom), text);
  if (story.detailsTo < story.end) shade(xOfTime(story.detailsTo), xOfTime(story.end), text);
}

function drawFaults() {
  if (view.hiddenKinds.has("fault")) return;
  const bottom = view.height;
  story.faults.forEach((fault, i) => {
    const x1 = xOfTime(fault.begin), x2 = Math.max(xOfTime(fault.end), x1 + 1.5);
    const colour = faultColour(fault.kind);
    const faded = fades(fault.event) ? 0.25 : 1;
    // In the lanes that it is about.
    if (inView(x1, x2)) {
      const left = Math.max(x1, GUTTER), width = Math.min(x2, view.width) - left;
      ink.fillStyle = colour;
      ink.globalAlpha = (fault.end > fault.begin ? 0.1 : 0.55) * faded;
      const lanes = fault.lanes.length > 0 ? fault.lanes : [];
      for (const lane of lanes) {
        const row = layout.byLane.get(lane);
        if (row === undefined) continue;
        ink.fillRect(left, lanesTop() + row.y - view.scroll, Math.max(width, 1.5), row.height - 1);
      }
      ink.globalAlpha = 1;
    }
    // Its bar above them, with its name as far as there is room before the next.
    const row = faultRow[i] % 6;
    const y = RULER + 3 + row * (BAR + 2);
    const room = roomBehind(i, x1);
    if (!inView(x1, Math.max(x2, x1 + room)) || y + BAR > lanesTop() || y > bottom) return;
    ink.globalAlpha = 0.3 * faded;
    ink.fillStyle = colour;
    const left = Math.max(x1, GUTTER);
    ink.fillRect(left, y, Math.max(x2 - left, 2), BAR);
    ink.globalAlpha = faded;
    ink.fillRect(x1 >= GUTTER ? x1 : left, y, 2, BAR);
    write(faultWords(fault), left + 6, y + BAR / 2 + 0.5, { size: 11, room: room - (left - x1) - 8 });
    ink.globalAlpha = 1;
    putBox(left, y, Math.max(x2 - left, Math.min(room - (left - x1), 120), 8), BAR, "fault", i);
    if (isSelected("fault", i)) outline(left, y, Math.max(x2 - left, 3), BAR);
  });
}

const faultWords = (fault) => {
  const targets = field(fault.event, "targets");
  return fault.kind.replaceAll("_", " ") + (targets ? " " + targets : "");
};

function roomBehind(fault, x) {
  const row = faultRow[fault] % 6;
  for (let next = fault + 1; next < story.faults.length; ++next) {
    if (faultRow[next] % 6 === row) return Math.max(0, xOfTime(story.faults[next].begin) - x - 4);
  }
  return view.width - x;
}

function drawLives() {
  ink.lineWidth = 2;
  for (const life of story.lives) {
    const y = yOfLane(life.lane);
    if (y === null) continue;
    const x1 = xOfTime(life.begin), x2 = xOfTime(life.end);
    if (!inView(x1, x2)) continue;
    ink.strokeStyle = colours.strong;
    ink.beginPath();
    ink.moveTo(Math.max(x1, GUTTER), y);
    ink.lineTo(Math.min(x2, view.width), y);
    ink.stroke();
    if (life.why) cross(x2, y, 4.5, colours["process-fault"]);
  }
}

function cross(x, y, size, colour) {
  ink.strokeStyle = colour;
  ink.lineWidth = 2;
  ink.beginPath();
  ink.moveTo(x - size, y - size); ink.lineTo(x + size, y + size);
  ink.moveTo(x - size, y + size); ink.lineTo(x + size, y - size);
  ink.stroke();
}

function outline(x, y, width, height, colour = colours.ink) {
  ink.strokeStyle = colour;
  ink.lineWidth = 2;
  ink.strokeRect(x - 1, y - 1, width + 2, height + 2);
}

function drawRoles() {
  if (view.hiddenKinds.has("role")) return;
  story.roles.forEach((role, i) => {
    const row = layout.byLane.get(role.lane);
    const x1 = xOfTime(role.begin), x2 = xOfTime(role.end);
    if (row === undefined || !inView(x1, x2)) return;
    const y = lanesTop() + row.roles + roleRow[i] * row.bar - view.scroll;
    if (y > view.height || y + row.bar < lanesTop()) return;
    const left = Math.max(x1, GUTTER), width = Math.max(Math.min(x2, view.width) - left - 1, 1.5);
    ink.globalAlpha = view.dim && past.marks !== null ? 0.45 : 1;
    ink.fillStyle = roleColour(role.generation);
    ink.fillRect(left, y, width, row.bar - 2);
    if (!layout.thin) {
      const name = role.generation ? `${role.name} · ${role.generation}` : role.name;
      write(name.replaceAll("_", " "), left + 5, y + (row.bar - 2) / 2 + 0.5,
            { colour: colours["role-ink"], size: 11, room: width - 8 });
    }
    ink.globalAlpha = 1;
    putBox(left, y, width, row.bar - 2, "role", i);
    if (isSelected("role", i)) outline(left, y, width, row.bar - 2);
  });
}

function drawOperations() {
  if (view.hiddenKinds.has("operation")) return;
  story.operations.forEach((operation, i) => {
    const row = layout.byLane.get(operation.lane);
    const x1 = xOfTime(operation.begin), x2 = xOfTime(operation.end);
    if (row === undefined || !inView(x1, x2)) return;
    const y = lanesTop() + row.operations + operationRow[i] * OPERATION - view.scroll;
    if (y > view.height || y + OPERATION < lanesTop()) return;
    const marked = evidenceOperations.has(i);
    if (view.only && search.marks !== null && !marksOperation(operation)) return;
    const left = Math.max(x1, GUTTER), width = Math.max(Math.min(x2, view.width) - left, 1.5);
    const well = operation.outcome === "ok" || operation.outcome === "";
    ink.globalAlpha = fades(operation.began) && !marked ? 0.2 : marked ? 1 : 0.75;
    ink.fillStyle = marked ? colours.past : well ? colours.operation : colours.error;
    ink.fillRect(left, y, width, OPERATION - 2);
    ink.globalAlpha = 1;
    putBox(left, y - 1, width, OPERATION, "operation", i);
    if (isSelected("operation", i)) outline(left, y, width, OPERATION - 2);
  });
}

const marksOperation = (operation) =>
  search.marks[operation.began] === 1 || (operation.ended !== NONE && search.marks[operation.ended] === 1);

// ---- Messages.

// Where a message goes: an arrow, or, for one that never came, a stub towards where it was to go.
function lineOf(message) {
  const y1 = yOfLane(messageFrom(message));
  const sent = messages.sent[message], received = messages.received[message];
  const to = messages.to[message];
  const y2 = to === NONE ? (y1 === null ? null : y1 - 16) : yOfLane(to);
  if (y1 === null || y2 === null) return null;
  const x1 = xOfEvent(sent);
  if (received !== NONE) return { x1, y1, x2: xOfEvent(received), y2 };
  const rise = Math.sign(y2 - y1 || -1) * Math.min(Math.abs(y2 - y1) * 0.6 || 14, 46);
  return { x1, y1, x2: x1 + 16, y2: y1 + rise };
}

function messagesInView() {
  const shown = [];
  for (let message = 0; message < messageCount; ++message) {
    const received = messages.received[message];
    const sent = messages.sent[message];
    const x1 = xOfEvent(sent);
    if (x1 > view.width) break;  // In the order of their sending.
    const x2 = received === NONE ? x1 + 16 : xOfEvent(received);
    if (x2 < GUTTER || !showsMessage(message)) continue;
    shown.push(message);
  }
  return shown;
}

function drawMessages() {
  const shown = messagesInView();
  const crowded = shown.length > ARROWS_MAX;
  const groups = new Map();
  if (crowded) drawDensity();
  const taken = new Set();
  for (const message of shown) {
    const kind = kindOfMessage(message);
    const led = past.marks !== null && leads(message);
    const standsOut = led || isSelected("message", message) || kind === "lost" ||
                      isMatch(messages.sent[message]) || isMatch(messages.received[message]);
    if (crowded && !standsOut) continue;
    const line = lineOf(message);
    if (line === null) continue;
    // One line for many that would lie on each other.
    const place = `${kind}${led}${Math.round(line.x1 / 2)},${line.y1},${Math.round(line.x2 / 2)},${line.y2}`;
    if (taken.has(place)) continue;
    taken.add(place);
    line.kind = "message";
    line.index = message;
    hits.lines.push(line);
    const group = led ? "past" : view.dim && past.marks !== null ? "dim-" + kind : kind;
    if (!groups.has(group)) groups.set(group, []);
    groups.get(group).push(line);
  }
  const spread = shown.length;
  for (const [group, lines] of [...groups].sort(([a], [b]) => (a === "past") - (b === "past"))) {
    strokeLines(group, lines, spread);
  }
  labelMessages(groups, spread);
}

function strokeLines(group, lines, spread) {
  const kind = group.replace("dim-", "");
  const dimmed = group.startsWith("dim-");
  const strong = kind === "past" || kind === "lost" || kind === "error";
  ink.globalAlpha = dimmed ? 0.1 : kind === "past" && lines.length > 600 ? 0.4 : strong ? 0.95 : spread > 1500 ? 0.3 : spread > 400 ? 0.5 : 0.85;
  ink.strokeStyle = ink.fillStyle = colours[kind];
  ink.lineWidth = kind === "past" && lines.length <= 600 ? 1.9 : 1.1;
  ink.setLineDash(kind === "lost" || kind === "cancel" ? [3, 3] : []);
  ink.beginPath();
  for (const { x1, y1, x2, y2 } of lines) { ink.moveTo(x1, y1); ink.lineTo(x2, y2); }
  ink.stroke();
  ink.setLineDash([]);
  if (spread <= 1500 || kind === "past") {
    ink.beginPath();
    for (const line of lines) if (kind !== "lost") arrowHead(line);
    ink.fill();
  }
  if (kind === "lost") for (const { x2, y2 } of lines) cross(x2, y2, 3, colours.lost);
  ink.globalAlpha = 1;
}

function arrowHead({ x1, y1, x2, y2 }) {
  const length = Math.hypot(x2 - x1, y2 - y1) || 1;
  const ux = (x2 - x1) / length, uy = (y2 - y1) / length;
  const size = 6;
  ink.moveTo(x2, y2);
  ink.lineTo(x2 - ux * size - uy * size * 0.45, y2 - uy * size + ux * size * 0.45);
  ink.lineTo(x2 - ux * size + uy * size * 0.45, y2 - uy * size - ux * size * 0.45);
}

// Names of methods, where there is room for them.
function labelMessages(groups, spread) {
  const taken = [];
  for (const [group, lines] of groups) {
    if (group.startsWith("dim-") || (spread > 220 && group !== "past")) continue;
    if (lines.length > 160) continue;
    for (const line of lines) {
      const x = (line.x1 + line.x2) / 2, y = (line.y1 + line.y2) / 2;
      if (x < GUTTER + 10 || x > view.width - 20) continue;
      if (taken.some(([tx, ty]) => Math.abs(tx - x) < 92 && Math.abs(ty - y) < 13)) continue;
      taken.push([x, y]);
      const kind = kindOfMessage(line.index);
      const name = methodOf(line.index) + (kind === "reply" || kind === "error" ? " reply" : "");
      ink.font = `400 11px ${FONT}`;
      const width = ink.measureText(name).width;
      ink.globalAlpha = 0.78;
      ink.fillStyle = colours.ground;
      ink.fillRect(x - width / 2 - 3, y - 7, width + 6, 14);
      ink.globalAlpha = 1;
      write(name, x, y, { size: 11, align: "center", colour: group === "past" ? colours.past : colours.soft });
    }
  }
}

// How much each lane says and hears, where there is too much for arrows.
function drawDensity() {
  const column = 3, columns = Math.ceil((view.width - GUTTER) / column);
  const heights = new Map(layout.rows.map((row) => [row.lane, new Uint16Array(columns + 1)]));
  const first = view.axis === "time" ? eventAt(view.from) : Math.max(0, Math.floor(view.from));
  let most = 1;
  for (let event = first; event < eventCount; ++event) {
    const x = xOfEvent(event);
    if (x > view.width) break;
    const message = events.message[event];
    if (message === NONE || !heights.has(events.lane[event]) || !showsMessage(message)) continue;
    const count = ++heights.get(events.lane[event])[Math.max(0, Math.floor((x - GUTTER) / column))];
    most = Math.max(most, count);
  }
  ink.fillStyle = colours.request;
  ink.globalAlpha = view.dim && past.marks !== null ? 0.15 : 0.42;
  for (const [lane, counts] of heights) {
    const y = yOfLane(lane) + 1;
    for (let i = 0; i <= columns; ++i) {
      if (counts[i] === 0) continue;
      const height = 2 + 12 * Math.sqrt(counts[i] / most);
      ink.fillRect(GUTTER + i * column, y - height, column - 0.6, height);
    }
  }
  ink.globalAlpha = 1;
}

// ---- Events.

function drawEvents() {
  const first = view.axis === "time" ? eventAt(view.from) : Math.max(0, Math.floor(view.from));
  const taken = new Set();
  for (let event = first; event < eventCount; ++event) {
    const x = xOfEvent(event);
    if (x > view.width) break;
    const led = past.marks !== null && past.marks[event] === 1;
    const match = isMatch(event);
    const message = events.message[event];
    const chosen = isSelected("event", event);
    const shown = message === NONE && !hasShapeOfItsOwn(event) && showsEvent(event);
    if (!shown && !led && !match && !chosen) continue;
    const y = events.lane[event] === NONE ? worldY() : yOfLane(events.lane[event]);
    if (y === null || y < RULER - 10) continue;
    const level = LEVELS[events.level[event]];
    const place = `${Math.round(x)},${y},${level},${led},${match}`;
    if (taken.has(place) && !chosen) continue;
    taken.add(place);
    drawEvent(event, x, y, { led, match, chosen, level, faded: fades(event) });
  }
}

const SHAPED = new Set(["FaultBegan", "FaultSkipped", "PhaseBegan", "OperationBegan", "OperationEnded"]);
const hasShapeOfItsOwn = (event) => SHAPED.has(typeOf(event));

function drawEvent(event, x, y, { led, match, chosen, level, faded }) {
  const size = level === "error" ? 5.5 : level === "warn" ? 4.5 : level === "info" ? 3.2 : 2.4;
  if (match || chosen) {
    ink.beginPath();
    ink.arc(x, y, size + 4.5, 0, 7);
    ink.fillStyle = match ? colours["match-fill"] : colours.ground;
    ink.fill();
    ink.strokeStyle = chosen ? colours.ink : colours.match;
    ink.lineWidth = chosen ? 2.2 : 1.5;
    ink.stroke();
  }
  ink.globalAlpha = faded ? 0.18 : 1;
  ink.fillStyle = level === "error" ? colours.failure : level === "warn" ? colours.warn
    : led ? colours.past : colours[level];
  ink.beginPath();
  if (level === "error" || level === "warn") {
    ink.moveTo(x, y - size); ink.lineTo(x + size, y); ink.lineTo(x, y + size); ink.lineTo(x - size, y);
  } else {
    ink.arc(x, y, size, 0, 7);
  }
  ink.fill();
  ink.globalAlpha = 1;
  putPoint(x, y, "event", event);
}

function drawFailure() {
  for (const each of story.failures) {
    const x = each.event === NONE ? xOfTime(each.time) : xOfEvent(each.event);
    if (!inView(x, x)) continue;
    ink.strokeStyle = colours.failure;
    ink.lineWidth = 1.5;
    ink.beginPath();
    ink.moveTo(x, RULER - 6);
    ink.lineTo(x, view.height);
    ink.stroke();
    const lane = each.event === NONE ? NONE : events.lane[each.event];
    const y = lane === NONE ? null : yOfLane(lane);
    if (y !== null) {
      ink.beginPath();
      ink.arc(x, y, 8, 0, 7);
      ink.lineWidth = 2.5;
      ink.stroke();
      cross(x, y, 3.5, colours.failure);
      putPoint(x, y, "event", each.event);
    }
    const right = view.width - x > 60;
    write("failed", right ? x + 5 : x - 5, view.height - 10,
          { colour: colours.failure, size: 11.5, weight: 650, align: right ? "left" : "right" });
  }
}

// ---- Around the chart.

function drawGutter() {
  ink.fillStyle = colours.raised;
  ink.fillRect(0, 0, GUTTER, view.height);
  ink.save();
  ink.beginPath();
  ink.rect(0, lanesTop(), GUTTER, view.height);
  ink.clip();
  let zone = null;
  for (const row of layout.rows) {
    const lane = story.lanes[row.lane];
    const y = lanesTop() + row.y - view.scroll;
    const place = lane.client ? "clients" : [lane.data_center, lane.zone].filter(Boolean).join(" · ");
    ink.fillStyle = place !== zone ? colours.strong : colours.line;
    ink.fillRect(place !== zone ? 0 : 12, y - 1, GUTTER, 1);
    zone = place;
    const below = [lane.machine !== lane.process ? lane.machine : "", lane.client ? "" : place]
      .filter(Boolean).filter((word, i, all) => all.indexOf(word) === i).join(" · ");
    const middle = y + (row.height - 1) / 2;
    write(lane.process, 12, below ? middle - 7 : middle, { size: 12.5, weight: 600, room: GUTTER - 20 });
    if (below) write(below, 12, middle + 8, { size: 11, colour: colours.soft, room: GUTTER - 20 });
  }
  ink.restore();
  ink.fillStyle = colours.raised;
  ink.fillRect(0, 0, GUTTER, lanesTop());
  if (layout.worldHeight > 0) {
    write("faults", 12, RULER + layout.worldHeight / 2, { size: 12.5, weight: 600 });
  }
  ink.fillStyle = colours.strong;
  ink.fillRect(GUTTER - 1, 0, 1, view.height);
  ink.fillRect(0, lanesTop() - 1, view.width, 1);
}

// A step of 1, 2 or 5 times a power of ten that is at least `least`.
function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((n) => n * power).find((step) => step >= least);
}

function tickWords(unit, step) {
  if (view.axis === "order") return `${seconds(timeOfUnit(unit))} s`;
  const digits = Math.max(0, Math.min(9, 9 - Math.floor(Math.log10(step))));
  return (unit / 1e9).toFixed(digits) + " s";
}

function drawRuler() {
  ink.fillStyle = colours.ground;
  ink.fillRect(GUTTER, 0, view.width, RULER);
  const step = niceStep(Math.max(112 / pixelsPerUnit(), view.axis === "order" ? 1 : 1e-9));
  for (let unit = Math.ceil(view.from / step) * step; unit <= view.to; unit += step) {
    const x = xOfUnit(unit);
    if (unit < 0 || x < GUTTER) continue;
    ink.fillStyle = colours.line;
    ink.fillRect(x, RULER - 5, 1, view.height);
    if (x < view.width - 56) write(tickWords(unit, step), x + 4, 11, { size: 11, colour: colours.soft });
  }
  ink.fillStyle = colours.line;
  ink.fillRect(GUTTER, RULER - 1, view.width, 1);
}

function drawPhases() {
  for (const [i, phase] of story.phases.entries()) {
    const x = xOfTime(phase.begin);
    const next = i + 1 < story.phases.length ? xOfTime(story.phases[i + 1].begin) : view.width;
    if (!inView(x, x)) continue;
    ink.strokeStyle = colours.strong;
    ink.setLineDash([2, 4]);
    ink.lineWidth = 1;
    ink.beginPath();
    ink.moveTo(x, RULER);
    ink.lineTo(x, view.height);
    ink.stroke();
    ink.setLineDash([]);
    write(phase.name, x + 4, view.height - 26, { size: 11, colour: colours.soft, room: next - x - 6 });
  }
}

// ---- A frame.

let waiting = false;
function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; drawFrame(); });
}

function fitCanvas(canvas, context) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { width, height };
}

function drawFrame() {
  Object.assign(view, fitCanvas(chart, ink));
  arrange();
  hits.points.length = hits.boxes.length = hits.lines.length = 0;
  drawLanes();
  drawRuler();
  drawPhases();
  ink.save();
  ink.beginPath();
  ink.rect(GUTTER, RULER, view.width - GUTTER, view.height - RULER);
  ink.clip();
  drawEdges();
  drawFaults();
  ink.beginPath();
  ink.rect(GUTTER, lanesTop() - 12, view.width - GUTTER, view.height);
  ink.clip();
  drawLives();
  drawRoles();
  drawOperations();
  drawMessages();
  ink.restore();
  ink.save();
  ink.beginPath();
  ink.rect(GUTTER, 0, view.width - GUTTER, view.height);
  ink.clip();
  drawEvents();
  drawFailure();
  ink.restore();
  drawGutter();
  drawOverview();
}
