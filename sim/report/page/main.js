// Begins: the head of the page, the controls, the first frame; and a view that the address names:
// #from=12.5&to=12.6 (seconds), select=EVENT, past=steps|all|off, dim, axis=order, theme=dark,
// search=TEXT, tab=NAME, failure.
function beginPage() {
  document.documentElement.dataset.theme =
    matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const badge = document.getElementById("badge");
  badge.textContent = failed ? "FAILED" : "PASSED";
  badge.className = failed ? "failed" : "passed";
  document.getElementById("name").replaceChildren(story.scenario + " ", el("small", {}, `seed ${story.seed}`));
  const why = document.getElementById("why");
  why.textContent = failed ? `${failure.kind}: ${failure.text}` : "";
  why.title = why.textContent;
  document.getElementById("command").textContent = story.replay;
  document.getElementById("to-failure").disabled = !failed;
  document.getElementById("past").value = view.past;
  readColours();
  buildKinds();
  buildProcesses();
  buildMethods();
  bindControls();
  chooseAxis("time");
  document.getElementById("by-time").setAttribute("aria-pressed", "true");
  updatePast();
  refreshPanel();
  arrange();
  fit();
  followAddress(new URLSearchParams(location.hash.slice(1)));
  drawFrame();
}

function followAddress(wanted) {
  if (wanted.has("theme")) chooseTheme(wanted.get("theme"));
  if (wanted.get("axis") === "order") chooseAxis("order");
  if (wanted.has("past")) setPast(wanted.get("past"));
  if (wanted.has("dim")) setDim(true);
  Object.assign(view, fitCanvas(chart, ink));
  arrange();
  if (wanted.has("failure")) goToFailure();
  if (wanted.has("from") || wanted.has("to")) {
    look(unitOfTime(Number(wanted.get("from") ?? 0) * 1e9),
         unitOfTime(wanted.has("to") ? Number(wanted.get("to")) * 1e9 : story.end));
  }
  if (wanted.has("search")) {
    document.getElementById("search").value = wanted.get("search");
    find(wanted.get("search"));
  }
  if (wanted.has("select")) select({ kind: "event", index: Number(wanted.get("select")) });
  if (wanted.has("tab")) openTab(wanted.get("tab"));
}

beginPage();
if (location.hash === "#selftest") selfTest();
