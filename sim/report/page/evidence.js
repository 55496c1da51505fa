// What the oracle saw, as a circle: its transactions numbered, and what ties them together.
function evidenceParts() {
  const evidence = story.evidence;
  if (!evidence || evidence.nodes.length === 0) return [];
  return [
    el("h3", {}, "Evidence"),
    evidenceCircle(evidence),
    el("ol", { class: "nodes" }, evidence.nodes.map((node) => el("li", {},
      node.operation === NONE ? node.label : link(node.label, () => goToNode(node)),
      node.workload ? el("span", { class: "note" }, ` ${node.workload}/${node.client} #${node.ordinal}`) : null))),
    evidence.nodes.some((node) => node.operation !== NONE)
      ? el("p", { class: "note" }, "A click goes to the operation.") : null,
  ];
}

function goToNode(node) {
  if (node.operation !== NONE) select({ kind: "operation", index: node.operation }, true);
}

const SVG = "http://www.w3.org/2000/svg";
function svg(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function evidenceCircle({ nodes, edges }) {
  const width = 368, size = 15;
  const radius = nodes.length <= 2 ? 74 : Math.min(118, 62 + nodes.length * 12);
  const height = 2 * radius + 84;
  const place = nodes.map((_, i) => {
    const angle = -Math.PI / 2 + (2 * Math.PI * i) / nodes.length + (nodes.length === 2 ? -Math.PI / 2 : 0);
    return { x: width / 2 + radius * Math.cos(angle), y: height / 2 + radius * Math.sin(angle) };
  });
  const picture = svg("svg", { class: "evidence", viewBox: `0 0 ${width} ${height}`, role: "img" },
    svg("defs", {}, svg("marker", { id: "tip-of-edge", viewBox: "0 0 10 10", refX: 9, refY: 5,
      markerWidth: 8, markerHeight: 8, orient: "auto-start-reverse" },
      svg("path", { d: "M0 1 L10 5 L0 9 z", style: "fill: var(--soft); stroke: none" }))));
  for (const edge of edges) picture.append(...edgeParts(edge, place, size, { x: width / 2, y: height / 2 }));
  nodes.forEach((node, i) => {
    const group = svg("g", { class: "node", tabindex: 0 },
      svg("title", {}, node.label),
      svg("circle", { cx: place[i].x, cy: place[i].y, r: size }),
      svg("text", { x: place[i].x, y: place[i].y + 4.5, "text-anchor": "middle" }, String(i + 1)));
    group.addEventListener("click", () => goToNode(node));
    group.addEventListener("keydown", (event) => { if (event.key === "Enter") goToNode(node); });
    picture.append(group);
  });
  return picture;
}

// An edge bends outwards, so that the two of a pair do not lie on each other.
function edgeParts(edge, place, size, centre) {
  const a = place[edge.from], b = place[edge.to];
  if (edge.from === edge.to) {
    return [svg("text", { x: a.x, y: a.y - size - 8, "text-anchor": "middle" }, edge.label)];
  }
  const middle = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
  const length = Math.hypot(b.x - a.x, b.y - a.y);
  // To the left of its direction.
  const normal = { x: (b.y - a.y) / length, y: -(b.x - a.x) / length };
  const bend = 0.18 * length;
  const control = { x: middle.x + normal.x * bend, y: middle.y + normal.y * bend };
  const near = (from, to) => {
    const far = Math.hypot(to.x - from.x, to.y - from.y);
    return { x: from.x + ((to.x - from.x) * (size + 3)) / far, y: from.y + ((to.y - from.y) * (size + 3)) / far };
  };
  const begin = near(a, control), end = near(b, control);
  const label = { x: middle.x + normal.x * bend * 0.5, y: middle.y + normal.y * bend * 0.5 };
  const outward = Math.sign(label.x - centre.x);
  const anchor = Math.abs(label.x - centre.x) < 20 ? "middle" : outward > 0 ? "start" : "end";
  const text = svg("text", { x: label.x + (anchor === "middle" ? 0 : outward * 7),
    y: label.y + (anchor === "middle" ? (label.y < centre.y ? -8 : 16) : 4), "text-anchor": anchor }, edge.label);
  return [svg("path", { d: `M${begin.x} ${begin.y} Q${control.x} ${control.y} ${end.x} ${end.y}`,
                        "marker-end": "url(#tip-of-edge)" }), text];
}
