// Messages as arrows or, where there are too many, as density.
// Above this many messages in view their density is drawn, and only those that stand out.
const ARROWS_MAX = 900;
// Likewise of those that led to the failure.
const PAST_ARROWS_MAX = 1500;
const crowd = { past: false };

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
  const pastCrowded = crowd.past = crowded && past.marks !== null && shown.filter(leads).length > PAST_ARROWS_MAX;
  const groups = new Map();
  if (crowded) drawDensity(pastCrowded);
  const taken = new Set();
  for (const message of shown) {
    const kind = kindOfMessage(message);
    const led = past.marks !== null && leads(message);
    const standsOut = (led && !pastCrowded) || isSelected("message", message) || kind === "lost" ||
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

// How much each lane says and hears, where there is too much for arrows; and how much of it led to
// the failure.
function drawDensity(pastCrowded) {
  const column = 3, columns = Math.ceil((view.width - GUTTER) / column);
  const perLane = () => new Map(layout.rows.map((row) => [row.lane, new Uint32Array(columns + 1)]));
  const all = perLane(), led = perLane();
  const first = view.axis === "time" ? eventAt(view.from) : Math.max(0, Math.floor(view.from));
  let most = 1;
  for (let event = first; event < eventCount; ++event) {
    const x = xOfEvent(event);
    if (x > view.width) break;
    const message = events.message[event];
    const lane = events.lane[event];
    if (message === NONE || !all.has(lane) || !showsMessage(message)) continue;
    const place = Math.max(0, Math.floor((x - GUTTER) / column));
    most = Math.max(most, ++all.get(lane)[place]);
    if (pastCrowded && past.marks[event]) ++led.get(lane)[place];
  }
  const bars = (counts, colour, alpha) => {
    ink.fillStyle = colour;
    ink.globalAlpha = alpha;
    for (const [lane, of] of counts) {
      const y = yOfLane(lane) + 1;
      const room = 12 + layout.byLane.get(lane).more * 0.6;
      for (let i = 0; i <= columns; ++i) {
        if (of[i] === 0) continue;
        const height = 2 + room * Math.sqrt(of[i] / most);
        ink.fillRect(GUTTER + i * column, y - height, column - 0.6, height);
      }
    }
    ink.globalAlpha = 1;
  };
  bars(all, colours.request, view.dim && past.marks !== null ? 0.15 : 0.42);
  if (pastCrowded) bars(led, colours.past, 0.85);
}
