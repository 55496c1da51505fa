// The page tests itself when its address ends in #selftest, and writes what came of it into an
// element that a test reads: synthetic events go to the same handlers as a reader's.
function selfTest() {
  const lines = [];
  let bad = 0;
  const expect = (name, holds, seen = "") => {
    lines.push(holds ? `ok ${name}` : `FAILED ${name}: ${seen}`);
    if (!holds) ++bad;
  };
  try {
    for (const test of [testDrawing, testLookingBack, testZoom, testSearch, testClick, testFilters, testEvidence,
                        testText, testFrames]) test(expect);
  } catch (error) {
    expect("no exception", false, error.stack);
  }
  lines.push(`${lines.length - bad} passed, ${bad} failed`);
  document.body.append(el("pre", { id: "selftest-result" }, lines.join("\n") + "\n"));
}

// Draws a frame and waits until it is on the canvas; milliseconds.
function timedFrame() {
  const begin = performance.now();
  drawFrame();
  ink.getImageData(0, 0, 1, 1);
  return performance.now() - begin;
}

function testDrawing(expect) {
  fit();
  drawFrame();
  const { data } = ink.getImageData(0, 0, chart.width, chart.height);
  const shades = new Set();
  for (let i = 0; i < data.length; i += 4 * 97) shades.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2]);
  expect("the chart is drawn", shades.size > 12, `${shades.size} colours`);
  expect("every lane has a row", layout.rows.length === story.lanes.length, layout.rows.length);
}

function testLookingBack(expect) {
  const size = (all) => pastOf(story.failed, all).reduce((sum, each) => sum + each, 0);
  expect("steps are those that were counted", size(false) === story.pastSteps, `${size(false)}, not ${story.pastSteps}`);
  expect("all that mattered is what was counted", size(true) === story.pastAll, `${size(true)}, not ${story.pastAll}`);
}

const at = (type, x, y, more = {}) => chart.dispatchEvent(new PointerEvent(type, {
  clientX: chart.getBoundingClientRect().left + x, clientY: chart.getBoundingClientRect().top + y, bubbles: true, ...more }));

function testZoom(expect) {
  fit();
  drawFrame();
  const x = GUTTER + 300, unit = unitOfX(x), width = view.to - view.from;
  chart.dispatchEvent(new WheelEvent("wheel", { clientX: chart.getBoundingClientRect().left + x, deltaY: -400, cancelable: true }));
  expect("the wheel zooms", view.to - view.from < width * 0.8, view.to - view.from);
  expect("to the cursor", Math.abs(xOfUnit(unit) - x) < 1, xOfUnit(unit) - x);
  const from = view.from;
  at("pointerdown", 600, 100);
  at("pointermove", 500, 100);
  at("pointerup", 500, 100);
  expect("dragging moves", view.from > from, view.from - from);
  document.dispatchEvent(new KeyboardEvent("keydown", { key: "f" }));
}

function press(key) {
  chart.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
}

function testSearch(expect) {
  press("f");
  expect("f shows the whole run", view.from <= 0 && view.to >= lastUnit(), `${view.from} to ${view.to}`);
  const wanted = Math.floor(eventCount / 2);
  const input = document.getElementById("search");
  input.value = typeOf(wanted);
  input.dispatchEvent(new Event("input"));
  const count = events.type.filter((type) => type === events.type[wanted]).length;
  expect("the search finds", search.list.length >= count && search.list.includes(wanted), search.list.length);
  select(null);
  press("n");
  const first = view.selected?.index;
  press("n");
  expect("next goes on", first === search.list[0] && (view.selected.index === search.list[1] || count === 1), first);
  press("N");
  expect("previous goes back", view.selected.index === first, view.selected.index);
  const x = xOfEvent(first);
  expect("a match is in view", x > GUTTER && x < view.width, x);
  input.value = "";
  input.dispatchEvent(new Event("input"));
}

function testClick(expect) {
  if (messageCount === 0) return;
  const message = Math.floor(messageCount / 2);
  showEvent(messages.sent[message]);
  drawFrame();
  const line = hits.lines.find((each) => each.index === message) ?? hits.lines[0];
  select(null);
  const x = line.x1 + (line.x2 - line.x1) * 0.5, y = line.y1 + (line.y2 - line.y1) * 0.5;
  at("pointermove", x, y);
  expect("pointing tells", !document.getElementById("tip").hidden);
  at("pointerdown", x, y);
  at("pointerup", x, y);
  expect("a click selects a message", view.selected?.kind === "message", JSON.stringify(view.selected));
  if (view.selected?.kind !== "message") return;
  const panel = document.getElementById("content").textContent;
  const sent = messages.sent[view.selected.index];
  expect("the panel shows when it was sent", panel.includes(seconds(events.time[sent])), panel);
  expect("and what", panel.includes(methodOf(view.selected.index)), panel);
  press("Escape");
  expect("Escape lets go", view.selected === null);
}

function testFilters(expect) {
  fit();
  drawFrame();
  const before = messagesInView().length;
  const method = messages.method[0];
  toggle(view.hiddenMethods, method, false);
  expect("a method can be left out", messagesInView().length < before, before);
  toggle(view.hiddenMethods, method, true);
  toggle(view.hiddenLanes, 0, false);
  arrange();
  expect("a process can be left out", layout.rows.length === story.lanes.length - 1, layout.rows.length);
  toggle(view.hiddenLanes, 0, true);
  arrange();
}

function testEvidence(expect) {
  if (!story.evidence) return;
  openTab("verdict");
  const nodes = document.querySelectorAll("svg.evidence g.node");
  expect("the evidence is drawn", nodes.length === story.evidence.nodes.length, nodes.length);
  const index = story.evidence.nodes.findIndex((node) => node.operation !== NONE);
  if (index < 0) return;
  nodes[index].dispatchEvent(new MouseEvent("click"));
  expect("a click goes to the operation", view.selected?.kind === "operation" &&
    view.selected.index === story.evidence.nodes[index].operation, JSON.stringify(view.selected));
  select(null);
}

// Whatever the texts of the run are, they are shown as text.
function testText(expect) {
  const odd = events.fields.findIndex((fields) => fields.some((text) => text.includes("<")));
  if (odd < 0) return;
  select({ kind: "event", index: odd });
  const text = events.fields[odd].find((each) => each.includes("<"));
  const strip = (words) => words.replace(/\s/g, "");
  expect("markup is text", strip(document.getElementById("content").textContent).includes(strip(text)), text);
  expect("and nothing else", document.querySelectorAll("#injected, #content script, #content img").length === 0);
  select(null);
}

function testFrames(expect) {
  const worst = {};
  const measure = (name) => {
    // The best of some: what the frame takes, not what else the machine did meanwhile.
    const times = Array.from({ length: 7 }, timedFrame);
    worst[name] = Math.round(Math.min(...times) * 10) / 10;
  };
  fit();
  measure("whole run");
  setDim(true);
  measure("dimmed");
  setDim(false);
  chooseAxis("order");
  fit();
  measure("by order");
  look(0, Math.min(4000, eventCount));
  measure("4000 events");
  chooseAxis("time");
  const most = Math.max(...Object.values(worst));
  expect("a frame is drawn within 100 ms", most < 100, JSON.stringify(worst));
  expect(`frames in ms: ${JSON.stringify(worst)}`, true);
}
