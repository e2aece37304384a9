/* How nodes and lines of the graph look, for every drawing of it: shapes, icons, colours of the page, cut names. */
(() => {
  "use strict";

  const KINDS = {
    dataset: { light: "#28509f", dark: "#8fb3f5", path: "M4 6a8 3 0 1 0 16 0a8 3 0 1 0 -16 0M4 6v6a8 3 0 0 0 16 0v-6M4 12v6a8 3 0 0 0 16 0v-6" },
    model: { light: "#a8741a", dark: "#e0b15c", path: "M12 3l8 4.5l0 9l-8 4.5l-8 -4.5l0 -9l8 -4.5M12 12l8 -4.5M12 12l0 9M12 12l-8 -4.5" },
    job: { light: "#586373", dark: "#a9b4c3", path: "M3 6a3 3 0 1 0 6 0a3 3 0 0 0 -6 0M21 11v-3a2 2 0 0 0 -2 -2h-6l3 3m0 -6l-3 3M3 13v3a2 2 0 0 0 2 2h6l-3 -3m0 6l3 -3M15 18a3 3 0 1 0 6 0a3 3 0 0 0 -6 0" },
    repository: { light: "#7a3b69", dark: "#dc9bc8", path: "M9 12a3 3 0 1 0 6 0a3 3 0 1 0 -6 0M12 3l0 6M12 15l0 6" },
    run: { light: "#586373", dark: "#a9b4c3", path: "M7 4v16l13 -8z" },
    field: { light: "#28509f", dark: "#8fb3f5", path: "M4 6h16M4 12h16M4 18h10" },
    name: { light: "#586373", dark: "#a9b4c3", path: "M4 5v6l9 9l7 -7l-9 -9h-6a1 1 0 0 0 -1 1M8 8h.01" },
    group: { light: "#586373", dark: "#a9b4c3", path: "M4 4h6v6h-6zM14 4h6v6h-6zM4 14h6v6h-6zM14 14h6v6h-6z" },
    deployment: { light: "#0f6f6a", dark: "#5cc9c2", path: "M3 7a3 3 0 0 1 3 -3h12a3 3 0 0 1 3 3v2a3 3 0 0 1 -3 3h-12a3 3 0 0 1 -3 -3zM3 15a3 3 0 0 1 3 -3h12a3 3 0 0 1 3 3v2a3 3 0 0 1 -3 3h-12a3 3 0 0 1 -3 -3z" },
  };
  const WIDTH = 212;
  const HEIGHT = 48;
  const LABEL_START = 42;
  const LABEL_END = 10;
  const NAME_FONT = { size: 13, weight: 600 };
  const NAMESPACE_FONT = { size: 12, weight: 400 };

  function isDark() {
    const chosen = document.documentElement.dataset.bsTheme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  let fonts = "";
  function family() {
    fonts ||= getComputedStyle(document.body).fontFamily;
    return fonts;
  }

  function colour(name) {
    const probe = document.createElement("span");
    probe.className = `lineage__probe lineage__probe--${name}`;
    document.body.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  }

  const icons = new Map();
  function icon(kind, dark) {
    const key = `${kind} ${dark}`;
    if (!icons.has(key)) icons.set(key, drawnIcon(kind, dark));
    return icons.get(key);
  }

  function drawnIcon(kind, dark) {
    const { path } = KINDS[kind] || KINDS.job;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20" viewBox="0 0 24 24" fill="none" stroke="${tint(kind, dark)}" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"><path d="${path}"/></svg>`;
    return `data:image/svg+xml;utf8,${encodeURIComponent(svg)}`;
  }

  function tint(kind, dark) {
    return (KINDS[kind] || KINDS.job)[dark ? "dark" : "light"];
  }

  const pen = document.createElement("canvas").getContext("2d");

  // As much of both ends as fits into a node.
  function shorten(text, font) {
    pen.font = `${font.weight} ${font.size}px ${family()}`;
    const room = WIDTH - LABEL_START - LABEL_END;
    const width = pen.measureText(text).width;
    if (width <= room) return text;
    const all = [...text];
    const letters = all.length > 60 ? [...all.slice(0, 30), ...all.slice(-30)] : all;
    // Begin where letters of middling width would fit, then give up one after the other.
    for (let keep = Math.min(letters.length - 1, Math.ceil((room / width) * all.length) + 2); keep > 2; keep -= 1) {
      const head = Math.floor(keep * 0.45);
      const tried = `${letters.slice(0, head).join("")}…${letters.slice(letters.length - (keep - head)).join("")}`;
      if (pen.measureText(tried).width <= room) return tried;
    }
    return "…";
  }

  function style(isDownward) {
    const dark = isDark();
    const font = family();
    return [
      { selector: "node", style: {
        shape: "round-rectangle", "corner-radius": 8, width: WIDTH, height: HEIGHT,
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

  window.lineageLook = { WIDTH, HEIGHT, LABEL_START, NAME_FONT, NAMESPACE_FONT, KINDS, isDark, colour, family, tint, icon, shorten, style };
})();
