// The story as it was told, and what is derived from it once.
const story = JSON.parse(document.getElementById("story").textContent);
const events = story.events;      // Columns: time, lane, life, level, type, task, fields, ...
const messages = story.messages;  // Columns: kind, method, sent, received, to, error, late.
const eventCount = events.time.length;
const messageCount = messages.sent.length;
const NONE = -1;
const REQUEST = 0, REPLY = 1, CANCEL = 2;
const LEVELS = ["debug", "info", "warn", "error"];
const failed = story.failures.length > 0;
const failure = failed ? story.failures[0] : null;

const typeOf = (event) => story.types[events.type[event]];
const laneName = (lane) => (lane === NONE ? "world" : story.lanes[lane].process);
const methodOf = (message) => story.methods[messages.method[message]];
const messageFrom = (message) => events.lane[messages.sent[message]];

// The first event at or after `time`.
function eventAt(time) {
  let low = 0, high = eventCount;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (events.time[middle] < time) low = middle + 1; else high = middle;
  }
  return low;
}

function field(event, name) {
  const fields = events.fields[event];
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1];
  return "";
}

// ---- Words.

function seconds(ns) { return (ns / 1e9).toFixed(6); }

function span(ns) {
  if (ns >= 1e9) return (ns / 1e9).toPrecision(4) + " s";
  if (ns >= 1e6) return (ns / 1e6).toPrecision(4) + " ms";
  if (ns >= 1e3) return (ns / 1e3).toPrecision(4) + " µs";
  return ns + " ns";
}

function messageWords(event) {
  const message = events.message[event];
  const method = message === NONE ? field(event, "method") || "call" : methodOf(message);
  const type = typeOf(event);
  const peer = field(event, "peer");
  const from = message === NONE ? peer || "?" : laneName(messageFrom(message));
  const to = message === NONE || messages.to[message] === NONE ? peer || "?"
                                                               : laneName(messages.to[message]);
  const code = field(event, "code");
  switch (type) {
    case "RpcRequestSent": return `${method} → ${to}`;
    case "RpcRequestReceived": return `${method} ← ${from}`;
    case "RpcReplySent": return `${method} reply${code ? " " + code : ""} → ${to}`;
    case "RpcReplyReceived":
      return `${method} reply${code ? " " + code : ""} ← ${from}` +
             (field(event, "late") ? ", late" : "");
    case "RpcCallFailed": return `${method} → ${to} failed: ${field(event, "reason")}`;
    case "RpcRequestCancelled": return `${method} given up by its caller`;
    default: return null;
  }
}

// What an event says, in one line.
function words(event) {
  const type = typeOf(event);
  if (type.startsWith("Rpc")) {
    const said = messageWords(event);
    if (said) return said;
  }
  const of = (name) => field(event, name);
  switch (type) {
    case "RoleBegan": return `role ${of("role")} began, generation ${of("generation")}`;
    case "RoleEnded": return `role ${of("role")} ended: ${of("why")}`;
    case "ProcessStarted": return `process ${of("process")} started, life ${of("incarnation")}`;
    case "ProcessEnded": return `process ${of("process")} ended: ${of("why")}`;
    case "FaultBegan": return `fault ${of("kind")} ${of("targets")}`;
    case "FaultSkipped": return `fault ${of("kind")} skipped`;
    case "FaultsHealed": return "all faults end";
    case "PhaseBegan": return `phase ${of("phase")}`;
    case "OperationBegan": return `operation ${operationName(event)} began`;
    case "OperationEnded": return `operation ${operationName(event)} ended: ${of("outcome")}`;
    case "RunFailed": return `FAILED ${of("kind")}: ${of("text")}`;
  }
  const fields = events.fields[event];
  let text = type;
  for (let i = 0; i < fields.length; i += 2) text += ` ${fields[i]}=${fields[i + 1]}`;
  return text;
}

const operationName = (event) =>
  `${field(event, "workload")}/${field(event, "client")} #${field(event, "ordinal")}`;

// ---- Looking back: the same as causality.h, for any event.

const before = new Int32Array(eventCount).fill(NONE);  // The event before it on its lane.
const birth = new Int32Array(eventCount).fill(NONE);   // The start of the life that it is in.
{
  const last = new Map(), starts = new Map();
  for (let i = 0; i < eventCount; ++i) {
    const lane = events.lane[i];
    if (lane === NONE) continue;
    if (typeOf(i) === "ProcessStarted") starts.set(lane, i);
    birth[i] = starts.get(lane) ?? NONE;
    before[i] = last.get(lane) ?? NONE;
    last.set(lane, i);
  }
}

function pastOf(from, all) {
  const seen = new Uint8Array(eventCount);
  const todo = [];
  const visit = (event) => { if (event >= 0 && !seen[event]) { seen[event] = 1; todo.push(event); } };
  from.forEach(visit);
  while (todo.length > 0) {
    const event = todo.pop();
    events.causes[event].forEach(visit);
    const message = events.message[event];
    if (message !== NONE && messages.received[message] === event) visit(messages.sent[message]);
    if (all) {
      visit(before[event]);
    } else {
      if (events.life[event] > 1) visit(birth[event]);
      if (typeOf(event) === "ProcessStarted" || typeOf(event) === "ProcessEnded") visit(before[event]);
    }
  }
  addFaults(seen);
  return seen;
}

function addFaults(seen) {
  const latest = new Float64Array(story.lanes.length).fill(-1);
  const earliest = new Float64Array(story.lanes.length).fill(Infinity);
  let first = Infinity, last = -1;
  for (let i = 0; i < eventCount; ++i) {
    const lane = events.lane[i];
    if (!seen[i] || lane === NONE) continue;
    latest[lane] = events.time[i];
    earliest[lane] = Math.min(earliest[lane], events.time[i]);
    first = Math.min(first, events.time[i]);
    last = events.time[i];
  }
  for (const fault of story.faults) {
    const touches = fault.lanes.length === 0
      ? fault.begin <= last && fault.end >= first
      : fault.lanes.some((lane) => fault.begin <= latest[lane] && fault.end >= earliest[lane]);
    if (touches) seen[fault.event] = 1;
  }
}

// ---- Search.

const haystacks = new Array(eventCount);
function haystack(event) {
  if (haystacks[event] === undefined) {
    haystacks[event] = [laneName(events.lane[event]), typeOf(event), story.tasks[events.task[event]],
                        words(event), ...events.fields[event]].join("\n").toLowerCase();
  }
  return haystacks[event];
}
