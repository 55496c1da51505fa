// The whole run in a strip above the chart: how much happened, generations, faults, the failure;
// and which part of it is in view. Dragging moves the view, or an edge of it.
const overview = document.getElementById("overview");
const overviewInk = overview.getContext("2d");
const overviewSize = { width: 0, height: 0 };

// Always by time, also when the chart is by order.
const overviewX = (time) => GUTTER + (time / Math.max(story.end, 1)) * (overviewSize.width - GUTTER - 8);
const overviewTime = (x) => ((x - GUTTER) / (overviewSize.width - GUTTER - 8)) * Math.max(story.end, 1);
const viewFrom = () => timeOfUnit(view.from), viewTo = () => timeOfUnit(view.to);

// How many events there are in each pixel, by what stands out.
let overviewCounts = null;
function countOverview() {
  const width = Math.max(1, Math.ceil(overviewSize.width - GUTTER));
  if (overviewCounts?.all.length === width + 1) return overviewCounts;
  const all = new Uint32Array(width + 1), bad = new Uint32Array(width + 1);
  let most = 1;
  for (let event = 0; event < eventCount; ++event) {
    const x = Math.max(0, Math.min(width, Math.floor(overviewX(events.time[event]) - GUTTER)));
    most = Math.max(most, ++all[x]);
    if (events.level[event] >= 2) ++bad[x];
  }
  overviewCounts = { all, bad, most };
  return overviewCounts;
}

function drawOverview() {
  Object.assign(overviewSize, fitCanvas(overview, overviewInk));
  const { width, height } = overviewSize;
  const g = overviewInk;
  g.fillStyle = colours.raised;
  g.fillRect(0, 0, width, height);
  const bandTop = height - 12;
  for (const role of spansOfGenerations()) {
    g.fillStyle = roleColour(role.generation);
    const x = overviewX(role.begin);
    g.fillRect(x, bandTop, Math.max(overviewX(role.end) - x, 1), 8);
  }
  story.faults.forEach((fault, i) => {
    g.fillStyle = faultColour(fault.kind);
    g.globalAlpha = 0.6;
    const x = overviewX(fault.begin);
    g.fillRect(x, 4 + (faultRow[i] % 4) * 4, Math.max(overviewX(fault.end) - x, 2), 3);
    g.globalAlpha = 1;
  });
  const { all, bad, most } = countOverview();
  const room = bandTop - 24;
  for (let x = 0; x < all.length; ++x) {
    if (all[x] === 0) continue;
    const bar = 1 + (room - 1) * Math.sqrt(all[x] / most);
    g.fillStyle = colours.reply;
    g.fillRect(GUTTER + x, bandTop - 3 - bar, 1, bar);
    if (bad[x] > 0) {
      g.fillStyle = colours.warn;
      g.fillRect(GUTTER + x, bandTop - 3 - 2, 1, 2);
    }
  }
  drawOverviewFailure(g, height);
  drawOverviewWindow(g, width, height);
}

function drawOverviewFailure(g, height) {
  for (const each of story.failures) {
    g.fillStyle = colours.failure;
    g.fillRect(overviewX(each.time) - 0.5, 0, 2, height);
  }
}

function drawOverviewWindow(g, width, height) {
  const x1 = overviewX(viewFrom()), x2 = overviewX(viewTo());
  g.fillStyle = colours.ground;
  g.globalAlpha = 0.62;
  g.fillRect(GUTTER, 0, Math.max(0, x1 - GUTTER), height);
  g.fillRect(x2, 0, Math.max(0, width - x2), height);
  g.globalAlpha = 1;
  g.strokeStyle = colours.ink;
  g.lineWidth = 1.5;
  g.strokeRect(Math.max(x1, GUTTER), 1, Math.max(3, Math.min(x2, width) - Math.max(x1, GUTTER)), height - 2);
  g.fillStyle = colours.soft;
  g.font = `600 12.5px ${FONT}`;
  g.textBaseline = "middle";
  g.fillText("whole run", 12, height / 2 - 8);
  g.font = `400 11px ${FONT}`;
  g.fillText(`${seconds(story.end).slice(0, -3)} s, ${eventCount.toLocaleString("en")} events`, 12, height / 2 + 8);
}

// For each generation the time from its first role's begin to its last one's end.
let generationSpans = null;
function spansOfGenerations() {
  if (generationSpans === null) {
    const spans = new Map();
    for (const role of story.roles) {
      if (role.generation === 0) continue;
      const known = spans.get(role.generation);
      if (known === undefined) spans.set(role.generation, { ...role });
      else known.end = Math.max(known.end, role.end);
    }
    generationSpans = [...spans.values()].sort((a, b) => a.begin - b.begin);
    generationSpans.forEach((each, i) => {
      const next = generationSpans[i + 1];
      if (next !== undefined) each.end = Math.min(each.end, next.begin);
    });
  }
  return generationSpans;
}

{
  let drag = null;
  const at = (event) => event.clientX - overview.getBoundingClientRect().left;
  const part = (x) => {
    const x1 = overviewX(viewFrom()), x2 = overviewX(viewTo());
    if (Math.abs(x - x1) < 6) return "from";
    if (Math.abs(x - x2) < 6) return "to";
    return "all";
  };
  overview.addEventListener("pointerdown", (event) => {
    const x = at(event), time = overviewTime(x);
    const inside = time >= viewFrom() && time <= viewTo();
    drag = { part: part(x), grip: unitOfTime(time) - view.from };
    if (!inside && drag.part === "all") {
      const width = view.to - view.from;
      look(unitOfTime(time) - width / 2, unitOfTime(time) + width / 2);
      drag.grip = width / 2;
    }
    overview.setPointerCapture(event.pointerId);
  });
  overview.addEventListener("pointermove", (event) => {
    const x = at(event);
    if (drag === null) {
      overview.style.cursor = part(x) === "all" ? "grab" : "ew-resize";
      return;
    }
    const unit = unitOfTime(overviewTime(x));
    if (drag.part === "from") look(Math.min(unit, view.to - smallestSpan()), view.to);
    else if (drag.part === "to") look(view.from, Math.max(unit, view.from + smallestSpan()));
    else look(unit - drag.grip, unit - drag.grip + view.to - view.from);
  });
  const end = () => { drag = null; };
  overview.addEventListener("pointerup", end);
  overview.addEventListener("pointercancel", end);
  overview.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(event.deltaY * 0.0016));
  }, { passive: false });
}
