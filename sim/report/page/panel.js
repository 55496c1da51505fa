// The panel beside the chart: the verdict, what is selected, the steps that led to it, faults, the
// run, and how to read and use the picture. Text of the run only ever becomes text nodes.
const TABS = [
  ["verdict", "Verdict", verdictTab],
  ["selected", "Selected", selectedTab],
  ["steps", "Steps", stepsTab],
  ["faults", "Faults", faultsTab],
  ["run", "Run", runTab],
  ["help", "Help", helpTab],
];
const STEPS_SHOWN_MAX = 400;
let openedTab = "verdict";

// An element with attributes and children; strings become text.
function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") element.addEventListener("click", value);
    else if (key === "class") element.className = value;
    else element.setAttribute(key, value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined) element.append(child);
  }
  return element;
}

const button = (text, onclick, attributes = {}) => el("button", { type: "button", ...attributes, onclick }, text);
const link = (text, onclick) => {
  const made = el("a", { class: "link", role: "button", tabindex: 0, onclick }, text);
  made.addEventListener("keydown", (event) => { if (event.key === "Enter") onclick(); });
  return made;
};
const definitions = (list) => el("dl", {}, list.filter(([, value]) => value !== "" && value !== null)
  .map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));

function openTab(tab) {
  openedTab = tab;
  refreshPanel();
}

function refreshPanel() {
  const tabs = document.getElementById("tabs");
  tabs.replaceChildren(...TABS.map(([id, title]) =>
    button(title, () => openTab(id), { role: "tab", "aria-selected": String(id === openedTab) })));
  const content = document.getElementById("content");
  content.replaceChildren(...TABS.find(([id]) => id === openedTab)[2]().flat(Infinity).filter(Boolean));
  content.scrollTop = openedTab === "steps" ? content.scrollHeight : 0;
}

// ---- Verdict.

function verdictTab() {
  if (!failed) {
    return [el("h2", {}, "The run passed"),
            el("p", { class: "note" }, "Nothing is marked. Select something and choose “What led to this”.")];
  }
  return [
    story.failures.map((each, i) => [
      el("h2", {}, i === 0 ? `Failed: ${each.kind}` : `Then: ${each.kind}`),
      el("p", {}, each.text),
      el("p", { class: "note" }, `at ${seconds(each.time)} s` +
        (each.event === NONE || events.lane[each.event] === NONE ? "" : ` on ${laneName(events.lane[each.event])}`)),
    ]).flat(),
    el("div", { class: "actions" }, button("Go to it", goToFailure),
       button("Steps that led to it", () => { view.focus = story.failed; setPast("steps"); openTab("steps"); })),
    evidenceParts(),
    story.diagnosis ? [el("h3", {}, "The run's process wrote"), el("pre", {}, story.diagnosis)] : null,
  ].flat();
}

// ---- Selected.

function selectedTab() {
  if (view.selected === null) {
    return [el("p", { class: "note" }, "Click on anything in the chart.")];
  }
  const { kind, index } = view.selected;
  const parts = { event: eventParts, message: messageParts, role: roleParts, fault: faultParts,
                  operation: operationParts }[kind](index);
  const from = eventsOf(view.selected);
  return [parts, from.length === 0 ? null : el("div", { class: "actions" },
    button("What led to this", () => { lookBackFrom(from); openTab("steps"); }),
    failed && view.focus !== story.failed
      ? button("Back to the failure's past", () => lookBackFrom(story.failed)) : null)].flat();
}

function eventParts(event) {
  const message = events.message[event];
  if (message !== NONE) return messageParts(message, event);
  return [
    el("h2", {}, typeOf(event)),
    definitions([
      ["at", `${seconds(events.time[event])} s`],
      ["on", events.lane[event] === NONE ? "the world itself" : placeOf(events.lane[event], event)],
      ["task", story.tasks[events.task[event]]],
      ["level", LEVELS[events.level[event]]],
    ]),
    fieldParts(event),
    causeParts(event),
  ].flat();
}

const placeOf = (lane, event) => {
  const { process, machine, zone } = story.lanes[lane];
  const life = event === undefined ? 0 : events.life[event];
  return [process, machine !== process ? machine : "", zone && zone !== machine ? zone : ""]
    .filter(Boolean).join(" · ") + (life > 1 ? `, life ${life}` : "");
};

const LONG = new Set(["header", "attachment", "what", "text", "why", "reason"]);

function fieldParts(event, without = []) {
  const fields = events.fields[event], short = [], long = [];
  for (let i = 0; i < fields.length; i += 2) {
    if (without.includes(fields[i])) continue;
    if (LONG.has(fields[i]) || fields[i + 1].length > 60) {
      long.push(el("h3", {}, fields[i]), el("pre", {}, pretty(fields[i], fields[i + 1])));
    } else {
      short.push([fields[i], fields[i + 1]]);
    }
  }
  return [short.length > 0 ? definitions(short) : null, ...long];
}

// A message's text form in lines, as far as it can be cut at braces outside of quotes.
function pretty(name, text) {
  if (name !== "header" && name !== "what") return text;
  let out = "", depth = 0, quoted = false;
  const line = () => { out = out.trimEnd() + "\n" + "  ".repeat(Math.max(0, depth)); };
  for (let i = 0; i < text.length; ++i) {
    const c = text[i];
    if (c === '"' && text[i - 1] !== "\\") quoted = !quoted;
    if (quoted) { out += c; continue; }
    if (c === "{") { depth++; out += c; line(); }
    else if (c === "}") { depth--; line(); out += c; line(); }
    else if (c === " " && /^\w+(:| \{)/.test(text.slice(i + 1, i + 60)) && text[i - 1] !== ":") line();
    else out += c;
  }
  return out.replace(/\n\s*\n/g, "\n").trim();
}

function causeParts(event) {
  const causes = events.causes[event];
  if (causes.length === 0) return [];
  return [el("h3", {}, "It came of"), el("div", { class: "steps" }, causes.map(stepLine))];
}

function messageParts(message, event) {
  const sent = messages.sent[message], received = messages.received[message];
  const kind = ["Request", "Reply", "Cancellation"][messages.kind[message]];
  const from = messageFrom(message), to = messages.to[message];
  const end = (at) => (at === NONE ? "never" : link(`${seconds(events.time[at])} s`,
    () => select({ kind: "event", index: at }, true)));
  const pair = partnerOf(message);
  return [
    el("h2", {}, `${kind}: ${methodOf(message)}`),
    definitions([
      ["from", from === NONE ? "?" : placeOf(from, sent)],
      ["to", to === NONE ? field(sent, "peer") || "?" : placeOf(to, received === NONE ? undefined : received)],
      ["sent", end(sent)],
      ["received", end(received)],
      ["under way", received === NONE ? "" : span(events.time[received] - events.time[sent])],
      ["outcome", messages.error[message] + (messages.late[message] ? ", nobody waited for it" : "")],
      ["call", field(sent, "call")],
      ["task", story.tasks[events.task[event ?? sent]]],
    ]),
    pair === NONE ? null : el("p", {}, link(messages.kind[message] === REQUEST ? "Its reply" : "Its request",
      () => select({ kind: "message", index: pair }, true))),
    fieldParts(sent, ["call", "method", "peer", "code", "reason"]),
    event === undefined ? null : causeParts(event),
  ].flat();
}

// The reply of a request, and the request of a reply.
let partners = null;
function partnerOf(message) {
  if (partners === null) {
    const byCall = new Map();
    partners = new Int32Array(messageCount).fill(NONE);
    for (let i = 0; i < messageCount; ++i) {
      const call = field(messages.sent[i], "call");
      if (messages.kind[i] === REQUEST) byCall.set(call, i);
      if (messages.kind[i] !== REPLY || !byCall.has(call)) continue;
      partners[i] = byCall.get(call);
      partners[byCall.get(call)] = i;
    }
  }
  return partners[message];
}

function roleParts(index) {
  const role = story.roles[index];
  return [el("h2", {}, `Role: ${role.name.replaceAll("_", " ")}`), definitions([
    ["generation", role.generation || ""], ["on", placeOf(role.lane)],
    ["from", `${seconds(role.begin)} s`], ["to", `${seconds(role.end)} s`],
    ["for", span(role.end - role.begin)], ["ended", role.why], ["id", role.id],
  ])];
}

function faultParts(index) {
  const fault = story.faults[index];
  return [el("h2", {}, `Fault: ${fault.kind.replaceAll("_", " ")}`), definitions([
    ["from", `${seconds(fault.begin)} s`],
    ["to", fault.end > fault.begin ? `${seconds(fault.end)} s` : "it has no end of its own"],
    ["for", fault.end > fault.begin ? span(fault.end - fault.begin) : ""],
    ["at", fault.lanes.length === 0 ? "all" : fault.lanes.map(laneName).join(", ")],
  ]), el("h3", {}, "what"), el("pre", {}, pretty("what", fault.what))];
}

function operationParts(index) {
  const operation = story.operations[index];
  const end = (at) => (at === NONE ? "" : link(`${seconds(events.time[at])} s`,
    () => select({ kind: "event", index: at }, true)));
  return [el("h2", {}, `Operation ${operation.workload}/${operation.client} #${operation.ordinal}`),
    definitions([
      ["on", placeOf(operation.lane)], ["began", end(operation.began)],
      ["ended", operation.ended === NONE ? "it did not" : end(operation.ended)],
      ["for", span(operation.end - operation.begin)], ["outcome", operation.outcome],
    ]), fieldParts(operation.began, ["workload", "client", "ordinal"])].flat();
}

// ---- Steps.

function stepLine(event) {
  const bad = events.level[event] >= 2;
  return el("button", { type: "button", "aria-current": String(isSelected("event", event)), "data-event": event,
    title: words(event), onclick: () => { select({ kind: "event", index: event }, true); } },
    el("time", {}, seconds(events.time[event])), el("span", { class: "who" }, laneName(events.lane[event])),
    el("span", { class: bad ? "bad" : "" }, words(event)));
}

// The list of steps stays where it is while one goes through it.
function markStep() {
  for (const line of document.querySelectorAll(".steps button[data-event]")) {
    const here = view.selected.kind === "event" && Number(line.dataset.event) === view.selected.index;
    line.setAttribute("aria-current", String(here));
    if (here) line.scrollIntoView({ block: "nearest" });
  }
}

function stepsTab() {
  if (past.marks === null) {
    return [el("h2", {}, "What led to it"),
            el("p", { class: "note" }, "Nothing is looked back from. Select something and choose “What led to this”.")];
  }
  const shown = past.list.slice(-STEPS_SHOWN_MAX);
  const of = view.focus === story.failed ? "the failure" : words(view.focus[0]);
  return [
    el("h2", {}, view.past === "steps" ? "Step by step to" : "All that may have mattered for"), el("p", {}, of),
    el("p", { class: "note" }, `${past.list.length.toLocaleString("en")} events` +
      (shown.length < past.list.length ? `, the last ${shown.length} below` : "") +
      ". Keys [ and ] go from one to the next."),
    el("div", { class: "steps" }, shown.map(stepLine)),
  ];
}

// ---- Faults, the run, help.

function faultsTab() {
  if (story.faults.length === 0) return [el("p", { class: "note" }, "Nothing was broken in this run.")];
  return [el("h2", {}, `${story.faults.length} faults`), el("div", { class: "steps" },
    story.faults.map((fault, index) => el("button", { type: "button", title: fault.what,
      onclick: () => select({ kind: "fault", index }, true) },
      el("time", {}, seconds(fault.begin)),
      el("span", { class: "who" }, fault.end > fault.begin ? span(fault.end - fault.begin) : "at once"),
      el("span", {}, faultWords(fault)))))];
}

function runTab() {
  const dropped = [];
  if (story.detailsDropped > 0) {
    const kept = story.details.map(([from, to]) => `from ${seconds(from)} to ${seconds(to)} s`).join(", ");
    dropped.push(`${story.detailsDropped.toLocaleString("en")} messages and details were not kept, but only those ` +
      `${kept}; --from and --to choose others.`);
  }
  if (story.milestonesDropped > 0) {
    dropped.push(`${story.milestonesDropped.toLocaleString("en")} early events of other kinds were not kept either.`);
  }
  return [
    el("h2", {}, "The run"),
    definitions([["scenario", story.scenario], ["seed", story.seed], ["ended at", `${seconds(story.end)} s`],
                 ["shown", `${eventCount.toLocaleString("en")} events, ${messageCount.toLocaleString("en")} messages`]]),
    dropped.map((text) => el("p", { class: "note" }, text)),
    el("h3", {}, "What was drawn, and what came of it"), definitions(story.facts),
  ].flat();
}

const KEYS = [
  ["wheel, + -", "zoom, to the cursor"], ["drag, arrows", "move"], ["f", "the whole run"],
  ["x", "the failure"], ["/", "search"], ["n  N", "next and previous match"],
  ["[  ]", "previous and next step that led to it"], ["c", "how much led to it"], ["d", "dim the rest"],
  ["t", "axis by time or by order"], ["Esc", "select nothing"], ["?", "this page"],
];

function helpTab() {
  return [
    el("h2", {}, "Reading it"),
    el("p", { class: "note" }, "Each lane is a process; clients come first. Bars in a lane are its roles, coloured by generation."),
    legend(),
    el("h3", {}, "Keys"),
    el("div", { class: "keys" }, KEYS.map(([key, what]) => [el("span", {}, key.split(/\s{2,}/).map((each) => [el("kbd", {}, each), " "]).flat()),
                                                           el("span", {}, what)]).flat()),
    el("h3", {}, "What led to it"),
    el("p", { class: "note" }, "“Step by step” follows each task back to what woke it and each message back to its sender. It is short, and does not see what went through memory. “All that may have mattered” is everything that happened before in the sense of Lamport: all that a process did earlier, and all that its senders had done."),
  ];
}
