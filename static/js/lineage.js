/* Draws the neighbourhood of an asset with Cytoscape. The page holds the same as a list, so this adds sight, not facts. */
(() => {
  "use strict";

  cytoscape.use(cytoscapeDagre);

  const { NAME_FONT, NAMESPACE_FONT, shorten, style } = lineageLook;
  const STRIP = 44; // of the zoom buttons; a small picture keeps clear of it
  const drawings = new Map();

  function elements(source) {
    const drawn = [];
    for (const node of source.nodes) {
      drawn.push({ data: { ...node, label: shorten(node.name, NAME_FONT) } });
      for (const [side, count] of [["up", node.moreUpstream], ["down", node.moreDownstream]]) {
        if (!count) continue;
        const id = `${node.id}-${side}`;
        const href = `${node.href}/lineage?direction=${side === "up" ? "upstream" : "downstream"}&depth=2`;
        const label = `${node.areCountsExact ? "" : "at least "}${count.toLocaleString()} more`;
        drawn.push({ data: { id, href, isMore: true, label, name: `${label} ${side === "up" ? "before" : "after"} ${node.name}`, namespace: "" } });
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
