// Hands on the chart: pointer, wheel, keys, buttons.
{
  const stage = document.getElementById("stage");
  const tip = document.getElementById("tip");
  const place = (event) => {
    const box = chart.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  let drag = null;

  chart.addEventListener("pointerdown", (event) => {
    drag = { ...place(event), moved: false };
    if (event.isTrusted) chart.setPointerCapture(event.pointerId);
    tip.hidden = true;
  });
  chart.addEventListener("pointermove", (event) => {
    const at = place(event);
    if (drag === null) return showTip(at);
    if (!drag.moved && Math.hypot(at.x - drag.x, at.y - drag.y) < 4) return;
    drag.moved = true;
    chart.style.cursor = "grabbing";
    view.scroll -= at.y - drag.y;
    pan(drag.x - at.x);
    drag.x = at.x;
    drag.y = at.y;
  });
  chart.addEventListener("pointerup", (event) => {
    const clicked = drag !== null && !drag.moved;
    drag = null;
    chart.style.cursor = "";
    if (!clicked) return;
    const { x, y } = place(event);
    const hit = hitAt(x, y);
    select(hit === null ? null : { kind: hit.kind, index: hit.index });
  });
  chart.addEventListener("pointercancel", () => { drag = null; });
  chart.addEventListener("pointerleave", () => { tip.hidden = true; });
  chart.addEventListener("dblclick", (event) => zoom(0.4, place(event).x));
  chart.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { x } = place(event);
    tip.hidden = true;
    if (x < GUTTER || event.shiftKey) {
      view.scroll += event.deltaY || event.deltaX;
      return redraw();
    }
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) return pan(event.deltaX);
    zoom(Math.exp(event.deltaY * (event.ctrlKey ? 0.01 : 0.0016)), x);
  }, { passive: false });

  function tipWords({ kind, index }) {
    if (kind === "message") {
      const received = messages.received[index];
      const under = received === NONE ? "never came" : span(events.time[received] - events.time[messages.sent[index]]);
      const what = ["", " reply", " cancelled"][messages.kind[index]];
      return [methodOf(index) + what, `${laneName(messageFrom(index))} → ${laneName(messages.to[index])}, ${under}`];
    }
    if (kind === "event") return [words(index).slice(0, 300), `${seconds(events.time[index])} s, ${laneName(events.lane[index])}`];
    if (kind === "role") {
      const role = story.roles[index];
      return [role.name.replaceAll("_", " "), `generation ${role.generation}, ${span(role.end - role.begin)}`];
    }
    if (kind === "fault") {
      const fault = story.faults[index];
      return [faultWords(fault), fault.end > fault.begin ? span(fault.end - fault.begin) : "at once"];
    }
    const operation = story.operations[index];
    return [`${operation.workload}/${operation.client} #${operation.ordinal}`,
            `${operation.outcome || "not ended"}, ${span(operation.end - operation.begin)}`];
  }

  function showTip({ x, y }) {
    const hit = x < GUTTER ? null : hitAt(x, y);
    chart.style.cursor = hit === null ? "" : "pointer";
    tip.hidden = hit === null;
    if (hit === null) return;
    const [first, second] = tipWords(hit);
    tip.replaceChildren(el("b", {}, first), el("br"), el("span", {}, second));
    const left = Math.min(x + 14, stage.clientWidth - tip.offsetWidth - 8);
    const top = chart.offsetTop + y + 16;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${top + tip.offsetHeight > stage.clientHeight ? top - tip.offsetHeight - 28 : top}px`;
  }

  const splitter = document.getElementById("splitter");
  splitter.addEventListener("pointerdown", (event) => splitter.setPointerCapture(event.pointerId));
  splitter.addEventListener("pointermove", (event) => {
    if (!splitter.hasPointerCapture(event.pointerId)) return;
    const width = Math.max(240, Math.min(window.innerWidth - 400, window.innerWidth - event.clientX));
    document.getElementById("panel").style.width = `${width}px`;
    redraw();
  });
}

const PAST_MODES = ["steps", "all", "off"];
const ACTIONS = {
  "+": () => zoom(0.6), "=": () => zoom(0.6), "-": () => zoom(1 / 0.6),
  ArrowLeft: () => pan(-120), ArrowRight: () => pan(120),
  ArrowUp: () => { view.scroll -= 60; redraw(); }, ArrowDown: () => { view.scroll += 60; redraw(); },
  PageUp: () => { view.scroll -= view.height * 0.8; redraw(); },
  PageDown: () => { view.scroll += view.height * 0.8; redraw(); },
  Home: () => look(0, view.to - view.from), End: () => look(lastUnit() - (view.to - view.from), lastUnit()),
  f: fit, x: goToFailure, n: () => goToMatch(true), N: () => goToMatch(false),
  "[": () => goToStep(false), "]": () => goToStep(true),
  c: () => setPast(PAST_MODES[(PAST_MODES.indexOf(view.past) + 1) % PAST_MODES.length]),
  d: () => setDim(!view.dim), t: () => chooseAxis(view.axis === "time" ? "order" : "time"),
  Escape: () => select(null), "?": () => openTab("help"),
  "/": () => document.getElementById("search").focus(),
};

function chooseAxis(axis) {
  setAxis(axis);
  document.getElementById("by-time").setAttribute("aria-pressed", String(axis === "time"));
  document.getElementById("by-order").setAttribute("aria-pressed", String(axis === "order"));
}

function chooseTheme(theme) {
  document.documentElement.dataset.theme = theme;
  readColours();
  buildKinds();
  refreshPanel();
  redraw();
}

function bindControls() {
  const on = (id, event, action) => document.getElementById(id).addEventListener(event, action);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches?.("input, select")) return;
    const action = ACTIONS[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  });
  on("search", "input", (event) => find(event.target.value));
  on("search", "keydown", (event) => {
    if (event.key === "Enter") goToMatch(!event.shiftKey);
    if (event.key === "Escape") { event.target.value = ""; find(""); chart.focus(); }
  });
  on("next", "click", () => goToMatch(true));
  on("previous", "click", () => goToMatch(false));
  on("only", "change", (event) => { view.only = event.target.checked; redraw(); });
  on("past", "change", (event) => setPast(event.target.value));
  on("dim", "change", (event) => setDim(event.target.checked));
  on("by-time", "click", () => chooseAxis("time"));
  on("by-order", "click", () => chooseAxis("order"));
  on("zoom-in", "click", () => zoom(0.6));
  on("zoom-out", "click", () => zoom(1 / 0.6));
  on("fit", "click", fit);
  on("to-failure", "click", goToFailure);
  on("theme", "click", () => chooseTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
  on("copy", "click", copyCommand);
  // A menu closes when something else is clicked.
  document.addEventListener("pointerdown", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  new ResizeObserver(drawFrame).observe(chart);  // At once: a stretched picture is not seen.
}

async function copyCommand() {
  const copy = document.getElementById("copy");
  try {
    await navigator.clipboard.writeText(story.replay);
    copy.textContent = "Copied";
  } catch {
    // Without permission: it is selected instead, to be copied by hand.
    getSelection().selectAllChildren(document.getElementById("command"));
    copy.textContent = "Selected";
  }
}
