// A frame: everything in view, from the back to the front, and what is around the chart.

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
