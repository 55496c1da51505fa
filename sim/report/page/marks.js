// What is marked: what led to the failure (or to what is selected), what matches the search, and
// what is selected.

// ---- What led to it.

const past = { marks: null, list: [] };  // marks: one for each event; null: nothing is marked.

function updatePast() {
  if (view.past === "off" || view.focus.length === 0) {
    past.marks = null;
    past.list = [];
  } else {
    past.marks = pastOf(view.focus, view.past === "all");
    past.list = [];
    for (let event = 0; event < eventCount; ++event) if (past.marks[event]) past.list.push(event);
  }
  redraw();
}

const leads = (message) => {
  const received = messages.received[message];
  return past.marks[messages.sent[message]] === 1 && received !== NONE && past.marks[received] === 1;
};
const fades = (event) => view.dim && past.marks !== null && past.marks[event] !== 1;

function setPast(mode) {
  view.past = mode;
  document.getElementById("past").value = mode;
  updatePast();
  refreshPanel();
}

function setDim(on) {
  view.dim = on;
  document.getElementById("dim").checked = on;
  redraw();
}

// Looks back from other events than those of the failure.
function lookBackFrom(list) {
  view.focus = list;
  setPast(view.past === "off" ? "steps" : view.past);
}

// The events at which something that can be selected happened.
function eventsOf({ kind, index }) {
  if (kind === "event") return [index];
  if (kind === "message") {
    return messages.received[index] === NONE ? [messages.sent[index]] : [messages.received[index]];
  }
  if (kind === "operation") {
    const operation = story.operations[index];
    return [operation.ended !== NONE ? operation.ended : operation.began];
  }
  if (kind === "fault") return [story.faults[index].event];
  return [];
}

// ---- The search.

const search = { marks: null, list: [], at: -1 };  // marks: null without a query.

const isMatch = (event) => search.marks !== null && event !== NONE && search.marks[event] === 1;

function find(query) {
  view.query = query;
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  search.list = [];
  search.at = -1;
  if (words.length === 0) {
    search.marks = null;
  } else {
    search.marks = new Uint8Array(eventCount);
    for (let event = 0; event < eventCount; ++event) {
      const text = haystack(event);
      if (!words.every((word) => text.includes(word))) continue;
      search.marks[event] = 1;
      search.list.push(event);
    }
  }
  tellFound();
  redraw();
}

function tellFound() {
  const out = document.getElementById("found");
  const count = search.list.length;
  out.textContent = search.marks === null ? "" : count === 0 ? "nothing"
    : search.at < 0 ? `${count} found` : `${search.at + 1} of ${count}`;
}

// The next match after what is selected, or the one before it; around at the ends.
function step(list, forward) {
  if (list.length === 0) return NONE;
  const from = view.selected === null ? (forward ? -1 : Infinity) : eventsOf(view.selected)[0] ?? -1;
  if (forward) return list.find((event) => event > from) ?? list[0];
  return list.findLast((event) => event < from) ?? list[list.length - 1];
}

function goToMatch(forward) {
  const event = step(search.list, forward);
  if (event === NONE) return;
  search.at = search.list.indexOf(event);
  tellFound();
  select({ kind: "event", index: event }, true);
}

function goToStep(forward) {
  const event = step(past.list, forward);
  if (event !== NONE) select({ kind: "event", index: event }, true);
}

// ---- The selection.

const isSelected = (kind, index) =>
  view.selected !== null && view.selected.kind === kind && view.selected.index === index;

function select(what, show = false) {
  const fromSteps = openedTab === "steps" && what !== null && show;
  view.selected = what;
  if (what !== null && show) {
    if (what.kind === "event") showEvent(what.index);
    if (what.kind === "message") showEvent(messages.sent[what.index]);
    if (what.kind === "operation") {
      const { begin, end, lane } = story.operations[what.index];
      showSpan(begin, end);
      showLane(lane);
    }
    if (what.kind === "fault") showSpan(story.faults[what.index].begin, story.faults[what.index].end);
  }
  if (fromSteps) markStep();
  else if (what !== null) openTab("selected");
  redraw();
}

function goToFailure() {
  if (failure === null) return;
  const event = failure.event;
  if (event === NONE) {
    showSpan(failure.time - story.end / 50, failure.time);
    return;
  }
  // As far back as the last steps that led to it.
  const steps = pastOf(story.failed, false);
  let first = event, left = 40;
  for (let i = event; i >= 0 && left > 0; --i) if (steps[i]) { first = i; --left; }
  showSpan(events.time[first], events.time[event]);
  select({ kind: "event", index: event });
  showLane(events.lane[event]);
}

const evidenceOperations = new Set(
  (story.evidence?.nodes ?? []).map((node) => node.operation).filter((index) => index !== NONE));
