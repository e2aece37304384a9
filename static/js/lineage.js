/* Draws the neighbourhood of an asset with Cytoscape. The page holds the same as a list, so this adds sight, not facts. */
(() => {
  "use strict";

  cytoscape.use(cytoscapeDagre);

  const KINDS = {
    dataset: { light: "#28509f", dark: "#8fb3f5", path: "M4 6a8 3 0 1 0 16 0a8 3 0 1 0 -16 0M4 6v6a8 3 0 0 0 16 0v-6M4 12v6a8 3 0 0 0 16 0v-6" },
    model: { light: "#a8741a", dark: "#e0b15c", path: "M12 3l8 4.5l0 9l-8 4.5l-8 -4.5l0 -9l8 -4.5M12 12l8 -4.5M12 12l0 9M12 12l-8 -4.5" },
    job: { light: "#586373", dark: "#a9b4c3", path: "M3 6a3 3 0 1 0 6 0a3 3 0 0 0 -6 0M21 11v-3a2 2 0 0 0 -2 -2h-6l3 3m0 -6l-3 3M3 13v3a2 2 0 0 0 2 2h6l-3 -3m0 6l3 -3M15 18a3 3 0 1 0 6 0a3 3 0 0 0 -6 0" },
    repository: { light: "#7a3b69", dark: "#dc9bc8", path: "M9 12a3 3 0 1 0 6 0a3 3 0 1 0 -6 0M12 3l0 6M12 15l0 6" },
    deployment: { light: "#0f6f6a", dark: "#5cc9c2", path: "M3 7a3 3 0 0 1 3 -3h12a3 3 0 0 1 3 3v2a3 3 0 0 1 -3 3h-12a3 3 0 0 1 -3 -3zM3 15a3 3 0 0 1 3 -3h12a3 3 0 0 1 3 3v2a3 3 0 0 1 -3 3h-12a3 3 0 0 1 -3 -3z" },
  };
  const WIDTH = 212;
  const LABEL_START = 42;
  const LABEL_END = 10;
  const NAME_FONT = { size: 13, weight: 600 };
  const NAMESPACE_FONT = { size: 12, weight: 400 };
  const STRIP = 44; // of the zoom buttons; a small picture keeps clear of it
  const drawings = new Map();

  function isDark() {
    const chosen = document.documentElement.dataset.bsTheme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  function colour(name) {
    const probe = document.createElement("span");
    probe.className = `lineage__probe lineage__probe--${name}`;
    document.body.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  }

  function icon(kind, dark) {
    const { path } = KINDS[kind] || KINDS.job;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20" viewBox="0 0 24 24" fill="none" stroke="${tint(kind, dark)}" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"><path d="${path}"/></svg>`;
    return `data:image/svg+xml;utf8,${encodeURIComponent(svg)}`;
  }

  function tint(kind, dark) {
    return (KINDS[kind] || KINDS.job)[dark ? "dark" : "light"];
  }

  // As much of both ends as fits into a node.
  function shorten(text, font) {
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = `${font.weight} ${font.size}px ${getComputedStyle(document.body).fontFamily}`;
    const room = WIDTH - LABEL_START - LABEL_END;
    if (pen.measureText(text).width <= room) return text;
    const all = [...text];
    const letters = all.length > 60 ? [...all.slice(0, 30), ...all.slice(-30)] : all;
    for (let keep = letters.length - 1; keep > 2; keep -= 1) {
      const head = Math.floor(keep * 0.45);
      const tried = `${letters.slice(0, head).join("")}…${letters.slice(letters.length - (keep - head)).join("")}`;
      if (pen.measureText(tried).width <= room) return tried;
    }
    return "…";
  }

  function elements(source) {
    const drawn = [];
    for (const node of source.nodes) {
      drawn.push({ data: { ...node, label: shorten(node.name, NAME_FONT) } });
      for (const [side, count] of [["up", node.moreUpstream], ["down", node.moreDownstream]]) {
        if (!count) continue;
        const id = `${node.id}-${side}`;
        const href = `${node.href}/lineage?direction=${side === "up" ? "upstream" : "downstream"}&depth=2`;
        drawn.push({ data: { id, href, isMore: true, label: `${count.toLocaleString()} more`, name: `${count.toLocaleString()} more ${side === "up" ? "before" : "after"} ${node.name}`, namespace: "" } });
        drawn.push({ data: { id: `${id}-edge`, source: side === "up" ? id : node.id, target: side === "up" ? node.id : id, isMore: true } });
      }
    }
    for (const edge of source.edges) drawn.push({ data: edge });
    return drawn;
  }

  // A label has one style, so the namespace is the label of a second, invisible node in the same place.
  function captions(cy, source) {
    return source.nodes.map((node) => ({
      data: { id: `${node.id}-caption`, isCaption: true, label: shorten(node.namespace, NAMESPACE_FONT) },
      position: { ...cy.getElementById(node.id).position() },
    }));
  }

  function style(isDownward) {
    const dark = isDark();
    const font = getComputedStyle(document.body).fontFamily;
    return [
      { selector: "node", style: {
        shape: "round-rectangle", "corner-radius": 8, width: WIDTH, height: 48,
        "background-color": colour("surface"), "border-width": 1, "border-color": colour("line"),
        label: "data(label)", "text-valign": "center", "text-halign": "right", "text-margin-y": -8,
        // A label that begins inside its node: placed to the right of it and drawn back.
        "text-margin-x": LABEL_START - WIDTH, "font-family": font, "font-size": NAME_FONT.size, "font-weight": NAME_FONT.weight, color: colour("text"),
        "background-image": (node) => icon(node.data("kind"), dark), "background-width": 20, "background-height": 20,
        "background-position-x": 13, "background-position-y": "50%", "background-image-containment": "over", "overlay-opacity": 0,
      } },
      { selector: "node[?isRoot]", style: { "border-width": 2, "border-color": colour("accent"), "background-color": colour("wash") } },
      { selector: "node[?isCaption]", style: {
        "background-opacity": 0, "background-image": "none", "border-width": 0, "text-margin-y": 9, events: "no",
        "font-size": NAMESPACE_FONT.size, "font-weight": NAMESPACE_FONT.weight, color: colour("soft"),
      } },
      { selector: "node[?isMore]", style: {
        width: 84, height: 26, "corner-radius": 13, "background-image": "none", "border-style": "dashed", "text-halign": "center", "text-margin-x": 0,
        "text-margin-y": 0, "font-size": 12, "font-weight": 400, color: colour("soft"),
      } },
      { selector: "edge", style: {
        width: 1.5, "curve-style": "round-taxi", "taxi-direction": isDownward ? "downward" : "rightward", "taxi-turn": "50%", "taxi-radius": 10, "line-color": colour("edge"),
        "target-arrow-shape": "triangle", "target-arrow-color": colour("edge"), "arrow-scale": 0.9, "overlay-opacity": 0,
      } },
      { selector: "edge[?isDeclared], edge[?isMore]", style: { "line-style": "dashed" } },
      { selector: "edge[?isMore]", style: { "target-arrow-shape": "none" } },
      { selector: "node.near", style: { "border-color": colour("accent") } },
      { selector: "edge.near", style: { "line-color": colour("accent"), "target-arrow-color": colour("accent"), "z-index": 10 } },
    ];
  }

  function draw(canvas) {
    const source = JSON.parse(document.getElementById(canvas.dataset.source).textContent);
    const narrow = matchMedia("(max-width: 767.98px)").matches;
    const cy = cytoscape({
      container: canvas,
      elements: elements(source),
      style: style(narrow),
      // From left to right, or downward where there is no room for that.
      layout: { name: "dagre", rankDir: narrow ? "TB" : "LR", nodeSep: 16, rankSep: narrow ? 32 : 36, edgeSep: 8, fit: false },
      // Labels are drawn once and scaled; at twice the screen's resolution they stay sharp.
      pixelRatio: Math.max(2, devicePixelRatio),
      minZoom: 0.1, maxZoom: 1.6, autoungrabify: true, boxSelectionEnabled: false,
      // The wheel scrolls the page; a finger on a small drawing does too. The buttons zoom.
      userZoomingEnabled: false, userPanningEnabled: !narrow || canvas.classList.contains("lineage__canvas--tall"),
    });
    cy.add(captions(cy, source));
    const hint = document.getElementById("lineage-hint");
    cy.on("mouseover", "node", (event) => {
      const node = event.target;
      canvas.classList.add("lineage__canvas--pointing");
      node.union(node.connectedEdges()).addClass("near");
      hint.textContent = [node.data("namespace"), node.data("name")].filter(Boolean).join(" ");
    });
    cy.on("mouseout", "node", () => {
      canvas.classList.remove("lineage__canvas--pointing");
      cy.elements().removeClass("near");
      hint.textContent = "";
    });
    cy.on("tap", "node", (event) => {
      const { ctrlKey, metaKey } = event.originalEvent;
      if (ctrlKey || metaKey) window.open(event.target.data("href"), "_blank", "noopener");
      else if (!event.target.data("isRoot")) location.assign(event.target.data("href"));
    });
    if (!canvas.classList.contains("lineage__canvas--tall")) shrink(canvas, cy);
    show(cy);
    drawings.set(canvas, { cy, restyle: () => cy.style(style(narrow)) });
    canvas.dataset.drawn = String(source.nodes.length);
  }

  // A small picture takes no more height than it fills.
  function shrink(canvas, cy) {
    const box = cy.elements().boundingBox();
    const scale = Math.min(1, canvas.clientWidth / (box.w + 56));
    const height = Math.max(box.h * scale + 2 * STRIP + 20, 208);
    if (height < canvas.clientHeight) canvas.style.height = `${Math.round(height)}px`;
  }

  // All of it if that can be read, else the asset itself in the middle.
  function show(cy) {
    cy.resize();
    cy.fit(undefined, 28);
    if (cy.zoom() > 1) { cy.zoom(1); cy.center(); }
    if (cy.zoom() < 0.65) { cy.zoom(0.85); cy.center(cy.$("node[?isRoot]")); }
  }

  function drawAll() {
    for (const [canvas, { cy }] of drawings) {
      if (canvas.isConnected) continue;
      cy.destroy();
      drawings.delete(canvas);
    }
    for (const canvas of document.querySelectorAll("[data-source]")) if (!drawings.has(canvas)) draw(canvas);
  }

  function restyle() {
    for (const drawing of drawings.values()) drawing.restyle();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-zoom]");
    if (!button) return;
    const [drawing] = drawings.values();
    if (!drawing) return;
    const { cy } = drawing;
    const middle = { x: cy.width() / 2, y: cy.height() / 2 };
    switch (button.dataset.zoom) {
      case "in": cy.zoom({ level: cy.zoom() * 1.25, renderedPosition: middle }); break;
      case "out": cy.zoom({ level: cy.zoom() / 1.25, renderedPosition: middle }); break;
      default: cy.fit(undefined, 28);
    }
  });
  document.addEventListener("portal:theme", restyle);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", restyle);
  document.addEventListener("htmx:load", drawAll);
  drawAll();
})();
