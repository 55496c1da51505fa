// The menus: which kinds of things, processes and methods are shown; and the legend.
const KINDS = [
  ["request", "requests"], ["reply", "replies"], ["error", "replies with an error"],
  ["lost", "messages that never came"], ["cancel", "cancellations"],
  ["debug", "other details"], ["info", "events"], ["warn", "warnings"],
  ["operation", "operations"], ["role", "roles"], ["fault", "faults"],
];

function check(text, count, on, onchange, colour) {
  const box = el("input", { type: "checkbox" });
  box.checked = on;
  box.addEventListener("change", () => onchange(box.checked));
  return el("label", {}, box, colour ? el("span", { class: "swatch", style: `background:${colour}` }) : null, text,
            count === null ? null : el("i", {}, count.toLocaleString("en")));
}

function toggle(set, value, shown) {
  if (shown) set.delete(value); else set.add(value);
  markNarrowed();
  redraw();
}

function allOrNone(set, values, rebuild) {
  return el("p", {},
    button("all", () => { set.clear(); rebuild(); markNarrowed(); redraw(); }),
    button("none", () => { values.forEach((value) => set.add(value)); rebuild(); markNarrowed(); redraw(); }));
}

function markNarrowed() {
  const narrowed = (id, set, usual) =>
    document.getElementById(id).parentElement.classList.toggle("narrowed", set.size !== usual);
  narrowed("kinds", view.hiddenKinds, view.hiddenKinds.has("debug") ? 1 : 0);
  narrowed("processes", view.hiddenLanes, 0);
  narrowed("methods", view.hiddenMethods, 0);
}

function buildKinds() {
  const counts = { operation: story.operations.length, role: story.roles.length, fault: story.faults.length };
  for (let i = 0; i < messageCount; ++i) {
    const kind = kindOfMessage(i);
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  for (let i = 0; i < eventCount; ++i) {
    if (events.message[i] !== NONE) continue;
    const level = LEVELS[events.level[i]];
    counts[level] = (counts[level] ?? 0) + 1;
  }
  document.getElementById("kinds").replaceChildren(...KINDS.map(([kind, text]) =>
    check(text, counts[kind] ?? 0, !view.hiddenKinds.has(kind), (on) => toggle(view.hiddenKinds, kind, on),
          colours[kind])));
}

function buildProcesses() {
  const list = document.getElementById("processes");
  list.replaceChildren(allOrNone(view.hiddenLanes, story.lanes.map((_, i) => i), buildProcesses));
  let place = null;
  story.lanes.forEach((lane, index) => {
    const here = lane.client ? "clients" : [lane.data_center, lane.zone].filter(Boolean).join(" · ");
    if (here !== place) list.append(el("h4", {}, here));
    place = here;
    list.append(check(lane.process, null, !view.hiddenLanes.has(index), (on) => toggle(view.hiddenLanes, index, on)));
  });
}

function buildMethods() {
  const counts = new Map();
  for (let i = 0; i < messageCount; ++i) {
    counts.set(messages.method[i], (counts.get(messages.method[i]) ?? 0) + 1);
  }
  const sorted = [...counts].sort((a, b) => b[1] - a[1]);
  document.getElementById("methods").replaceChildren(
    allOrNone(view.hiddenMethods, sorted.map(([method]) => method), buildMethods),
    ...sorted.map(([method, count]) => check(story.methods[method] || "(unknown)", count, !view.hiddenMethods.has(method),
      (on) => toggle(view.hiddenMethods, method, on))));
}

// ---- The legend: each sign drawn as the chart draws it.

function legend() {
  const signs = [
    [(g) => legendLine(g, colours.request, []), "request"],
    [(g) => legendLine(g, colours.reply, []), "reply"],
    [(g) => legendLine(g, colours.error, []), "reply with an error"],
    [(g) => { legendLine(g, colours.lost, [3, 3], false); legendCross(g, 40, 9, colours.lost); }, "message that never came"],
    [(g) => legendLine(g, colours.past, [], true, 2), "led to the failure"],
    [(g) => legendDot(g, colours.info), "event"],
    [(g) => legendDiamond(g, colours.warn), "warning"],
    [(g) => legendDiamond(g, colours.failure), "error"],
    [(g) => { g.fillStyle = colours.operation; g.fillRect(4, 7, 38, 4); }, "operation of a client"],
    [(g) => { g.fillStyle = colours.strong; g.fillRect(4, 8, 30, 2); legendCross(g, 36, 9, colours["process-fault"]); }, "a process lives, and ends"],
    ...generations.slice(0, 3).map((generation) =>
      [(g) => { g.fillStyle = roleColour(generation); g.fillRect(4, 3, 38, 12); }, `role of generation ${generation}`]),
    ...["process", "network", "disk", "clock"].map((group) =>
      [(g) => { g.globalAlpha = 0.35; g.fillStyle = colours[group + "-fault"]; g.fillRect(4, 3, 38, 12); }, `fault of the ${group === "process" ? "processes" : group}`]),
  ];
  return el("div", { class: "legend" }, signs.map(([draw, text]) => {
    const canvas = el("canvas", { width: 92, height: 36 });
    const g = canvas.getContext("2d");
    g.scale(2, 2);
    draw(g);
    return [canvas, el("span", {}, text)];
  }).flat());
}

function legendLine(g, colour, dash, head = true, width = 1.3) {
  g.strokeStyle = g.fillStyle = colour;
  g.lineWidth = width;
  g.setLineDash(dash);
  g.beginPath(); g.moveTo(4, 9); g.lineTo(38, 9); g.stroke();
  g.setLineDash([]);
  if (!head) return;
  g.beginPath(); g.moveTo(43, 9); g.lineTo(36, 6); g.lineTo(36, 12); g.fill();
}
function legendCross(g, x, y, colour) {
  g.strokeStyle = colour;
  g.lineWidth = 2;
  g.beginPath();
  g.moveTo(x - 3, y - 3); g.lineTo(x + 3, y + 3); g.moveTo(x - 3, y + 3); g.lineTo(x + 3, y - 3);
  g.stroke();
}
function legendDot(g, colour) { g.fillStyle = colour; g.beginPath(); g.arc(23, 9, 3.2, 0, 7); g.fill(); }
function legendDiamond(g, colour) {
  g.fillStyle = colour;
  g.beginPath(); g.moveTo(23, 4); g.lineTo(28, 9); g.lineTo(23, 14); g.lineTo(18, 9); g.fill();
}
