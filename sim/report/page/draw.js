// What stands still in the chart: lanes, faults, lives, roles, operations, events, failures.

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
  let from = 0;
  for (const [begin, end] of [...story.details, [story.end, story.end]]) {
    if (begin > from) shade(xOfTime(from), xOfTime(begin), text);
    from = end;
  }
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
    if (!inView(x1, x2) || y + BAR > lanesTop() || y > bottom) return;
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

// ---- Events.

function drawEvents() {
  const first = view.axis === "time" ? eventAt(view.from) : Math.max(0, Math.floor(view.from));
  const taken = new Set();
  for (let event = first; event < eventCount; ++event) {
    const x = xOfEvent(event);
    if (x > view.width) break;
    const message = events.message[event];
    // Where there are too many, messages are dots no more than they are arrows.
    const led = past.marks !== null && past.marks[event] === 1 && (message === NONE || !crowd.past);
    const match = isMatch(event);
    const chosen = isSelected("event", event);
    const shown = message === NONE && !hasShapeOfItsOwn(event) && showsEvent(event);
    if (!shown && !(led && !isOperation(event)) && !match && !chosen) continue;
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
const isOperation = (event) => typeOf(event).startsWith("Operation");

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
