// What is looked at: the part of the axis, the lanes and their rows, and what is left out.
//
// The axis counts nanoseconds (by time) or events (by order). A position on it is a unit.
const view = {
  axis: "time",
  from: 0, to: 1,      // Units at the left and right edge.
  scroll: 0,           // Pixels of lanes above the top edge.
  width: 800, height: 600,
  selected: null,      // {kind: "event" | "message" | "role" | "fault" | "operation", index}
  past: failed ? "steps" : "off",
  dim: false,
  focus: story.failed, // Events to look back from.
  hiddenLanes: new Set(),
  hiddenMethods: new Set(),
  hiddenKinds: new Set(["debug"]),
  query: "",
  only: false,
};

const GUTTER = 176, RULER = 26, BAR = 14, THIN_BAR = 5, OPERATION = 6, BASE = 15, PAD = 5;
const OPERATION_ROWS_MAX = 6, MORE_MAX = 56;

// ---- The axis.

const unitOfEvent = (event) => (view.axis === "time" ? events.time[event] : event);
const unitOfTime = (time) => (view.axis === "time" ? time : eventAt(time));
const lastUnit = () => (view.axis === "time" ? Math.max(story.end, 1) : Math.max(eventCount, 1));
const timeOfUnit = (unit) => {
  if (view.axis === "time") return unit;
  const event = Math.max(0, Math.min(eventCount - 1, Math.round(unit)));
  return eventCount === 0 ? 0 : events.time[event];
};
const pixelsPerUnit = () => (view.width - GUTTER) / (view.to - view.from);
const xOfUnit = (unit) => GUTTER + (unit - view.from) * pixelsPerUnit();
const unitOfX = (x) => view.from + (x - GUTTER) / pixelsPerUnit();
const xOfEvent = (event) => xOfUnit(unitOfEvent(event));
const xOfTime = (time) => xOfUnit(unitOfTime(time));

const smallestSpan = () => (view.axis === "time" ? 2000 : 8);

function look(from, to) {
  const last = lastUnit();
  const margin = last * 0.02;
  let width = Math.max(to - from, smallestSpan());
  width = Math.min(width, last + 2 * margin);
  from = Math.max(-margin, Math.min(from, last + margin - width));
  view.from = from;
  view.to = from + width;
  redraw();
}

function zoom(factor, x = GUTTER + (view.width - GUTTER) / 2) {
  const at = unitOfX(x);
  look(at - (at - view.from) * factor, at + (view.to - at) * factor);
}

const pan = (pixels) => {
  const units = pixels / pixelsPerUnit();
  look(view.from + units, view.to + units);
};

function fit() {
  const last = lastUnit();
  look(-last * 0.01, last * 1.01);
}

function setAxis(axis) {
  if (axis === view.axis) return;
  const from = timeOfUnit(view.from), to = timeOfUnit(view.to);
  view.axis = axis;
  look(unitOfTime(from), unitOfTime(to) + (axis === "order" ? 1 : 0));
}

// Brings an event into view; a view too wide to tell it from its neighbours becomes narrower.
function showEvent(event) {
  const near = 40;
  const first = Math.max(0, event - near), last = Math.min(eventCount - 1, event + near);
  const wanted = Math.max(unitOfEvent(last) - unitOfEvent(first), smallestSpan()) * 1.2;
  const width = Math.min(view.to - view.from, Math.max(wanted, smallestSpan()));
  const unit = unitOfEvent(event);
  const inside = unit > view.from + (view.to - view.from) * 0.08 &&
                 unit < view.to - (view.to - view.from) * 0.08;
  if (!inside || width < (view.to - view.from) * 0.5) look(unit - width / 2, unit + width / 2);
  showLane(events.lane[event]);
}

function showSpan(begin, end) {
  const from = unitOfTime(begin), to = unitOfTime(end);
  const margin = Math.max((to - from) * 0.25, smallestSpan());
  look(from - margin, to + margin);
}

function showLane(lane) {
  const row = layout.rows.find((each) => each.lane === lane);
  if (!row) return;
  const room = view.height - RULER - layout.worldHeight;
  if (row.y < view.scroll) view.scroll = row.y;
  if (row.y + row.height > view.scroll + room) view.scroll = row.y + row.height - room;
  redraw();
}

// ---- What is shown.

function kindOfMessage(message) {
  if (messages.kind[message] === CANCEL) return "cancel";
  if (messages.received[message] === NONE) return "lost";
  if (messages.kind[message] === REQUEST) return "request";
  return messages.error[message] ? "error" : "reply";
}

const matchesOnly = (event) => !view.only || search.marks === null || search.marks[event] === 1;

function showsMessage(message) {
  if (view.hiddenKinds.has(kindOfMessage(message))) return false;
  if (view.hiddenMethods.has(messages.method[message])) return false;
  const from = messageFrom(message), to = messages.to[message];
  if (view.hiddenLanes.has(from) || (to !== NONE && view.hiddenLanes.has(to))) return false;
  if (!view.only || search.marks === null) return true;
  const received = messages.received[message];
  return search.marks[messages.sent[message]] === 1 ||
         (received !== NONE && search.marks[received] === 1);
}

// Events of messages are shown by their messages.
function showsEvent(event) {
  if (events.message[event] !== NONE || view.hiddenLanes.has(events.lane[event])) return false;
  return !view.hiddenKinds.has(LEVELS[events.level[event]]) && matchesOnly(event);
}

// ---- Lanes and rows.

const layout = { rows: [], worldRows: [], worldHeight: 0, height: 0, thin: false };

// The first row that is free at `begin`, or a new one; `rows` holds when each becomes free.
function freeRow(rows, begin, end, wanted) {
  if (wanted !== undefined && (rows[wanted] ?? -Infinity) <= begin) { rows[wanted] = end; return wanted; }
  let row = rows.findIndex((until) => until <= begin);
  if (row < 0) row = rows.length;
  rows[row] = end;
  return row;
}

const roleRow = new Int32Array(story.roles.length);
const operationRow = new Int32Array(story.operations.length);
const roleRows = new Int32Array(story.lanes.length);
const operationRows = new Int32Array(story.lanes.length);
const faultRow = new Int32Array(story.faults.length);
let faultRows = 0;
{
  // A role that comes back takes the row it had.
  const taken = story.lanes.map(() => []), habit = story.lanes.map(() => new Map());
  story.roles.forEach((role, i) => {
    const row = freeRow(taken[role.lane], role.begin, role.end, habit[role.lane].get(role.name));
    habit[role.lane].set(role.name, row);
    roleRow[i] = row;
    roleRows[role.lane] = Math.max(roleRows[role.lane], row + 1);
  });
  const busy = story.lanes.map(() => []);
  story.operations.forEach((operation, i) => {
    if (operation.lane === NONE) return;
    const row = freeRow(busy[operation.lane], operation.begin, operation.end);
    operationRow[i] = row % OPERATION_ROWS_MAX;
    operationRows[operation.lane] =
      Math.max(operationRows[operation.lane], Math.min(row + 1, OPERATION_ROWS_MAX));
  });
  const used = [];
  story.faults.forEach((fault, i) => {
    faultRow[i] = freeRow(used, fault.begin, Math.max(fault.end, fault.begin + story.end / 60));
    faultRows = Math.max(faultRows, faultRow[i] + 1);
  });
}

function arrange() {
  const heightWith = (bar) => story.lanes.reduce((sum, _, lane) =>
    sum + (view.hiddenLanes.has(lane) ? 0 : rowHeight(lane, bar)), 0);
  layout.worldHeight = story.faults.length === 0 || view.hiddenKinds.has("fault")
    ? 0 : Math.min(faultRows, 6) * (BAR + 2) + 6;
  const room = view.height - RULER - layout.worldHeight;
  layout.thin = heightWith(BAR + 2) > room * 1.7;
  const bar = layout.thin ? THIN_BAR + 1 : BAR + 2;
  // What room is left goes to the lanes, so that arrows have some to slant in.
  const spare = (room - 8 - heightWith(bar)) / Math.max(1, story.lanes.length - view.hiddenLanes.size);
  const more = Math.max(0, Math.min(MORE_MAX, Math.floor(spare)));
  let y = 0;
  layout.rows = [];
  story.lanes.forEach((lane, index) => {
    if (view.hiddenLanes.has(index)) return;
    const height = rowHeight(index, bar) + more;
    const operations = view.hiddenKinds.has("operation") ? 0 : operationRows[index] * OPERATION;
    layout.rows.push({ lane: index, y, height, bar, more, base: y + height - BASE / 2 - 2,
                       roles: y + PAD + operations, operations: y + PAD });
    y += height;
  });
  layout.height = y;
  layout.byLane = new Map(layout.rows.map((row) => [row.lane, row]));
  view.scroll = Math.max(0, Math.min(view.scroll, layout.height - room));
}

function rowHeight(lane, bar) {
  const roles = view.hiddenKinds.has("role") ? 0 : roleRows[lane] * bar;
  const operations = view.hiddenKinds.has("operation") ? 0 : operationRows[lane] * OPERATION;
  return Math.max(PAD + operations + roles + BASE + 4, 34);
}

const lanesTop = () => RULER + layout.worldHeight;
// Where messages leave from and events stand; null for a lane that is not shown.
function yOfLane(lane) {
  const row = layout.byLane.get(lane);
  return row === undefined ? null : lanesTop() + row.base - view.scroll;
}
const worldY = () => RULER - 6;
