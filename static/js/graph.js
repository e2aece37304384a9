/* The graph page: draws the view that its address asks for, and changes the address as the view is opened, searched and
   moved in time. The server works out what is shown, so that the same address always shows the same. */
(() => {
  "use strict";

  cytoscape.use(cytoscapeDagre);

  const { WIDTH, HEIGHT, NAME_FONT, NAMESPACE_FONT, shorten } = lineageLook;
  const LARGE = 400; // nodes, beyond which icons, captions and bent lines cost more than they say
  const CHIP_FONT = { size: 11, weight: 600 };
  const ROOM = 90; // for chips around the outermost nodes
  const READABLE = 0.42; // the zoom below which names cannot be read
  const SEARCH_DELAY_MS = 150;
  const SIDES = { up: "upstream", down: "downstream" };
  // What belongs to the nodes of one graph means nothing in another.
  const OF_ONE_VIEW = ["up", "down", "show", "at", "part", "version", "run", "field"];

  const canvas = document.getElementById("graph-canvas");
  const form = document.getElementById("graph-form");
  const panel = document.getElementById("graph-panel");
  const find = document.getElementById("graph-find");
  const found = document.getElementById("graph-found");
  const narrow = matchMedia("(max-width: 767.98px)").matches;
  let source = JSON.parse(document.getElementById("graph-data").textContent);
  let params = new URLSearchParams(source.query);
  let loading = null;
  let cy = null;

  const hiddenWords = (node, side) => `${source.areCountsExact && node.areCountsExact ? "" : "at least "}${node[side].toLocaleString()} more`;
  const plural = (count, word) => `${count.toLocaleString()} ${word}${count === 1 ? "" : "s"}`;
  const announce = (text) => { document.getElementById("announcements").textContent = text; };

  /* --- The drawing ------------------------------------------------------------------------------------------------ */

  // In a large picture hubs alone have them: the panel and the keys open the others.
  function chips(node, isLarge) {
    return Object.keys(SIDES).filter((side) => node[side] > (isLarge ? source.first : 0)).map((side) => {
      const label = `+ ${hiddenWords(node, side)}`;
      return { data: { id: `${node.id}-${side}`, isMore: true, of: node.id, side, label, width: 18 + 5.6 * label.length } };
    });
  }

  function elements(isLarge) {
    const nodes = source.nodes.flatMap((node) => [
      { data: { ...node, isLarge, label: shorten(node.name, NAME_FONT) } },
      ...(isLarge ? [] : [{ data: { id: `${node.id}-caption`, isCaption: true, of: node.id, label: shorten(node.caption, NAMESPACE_FONT) } }]),
      ...chips(node, isLarge),
    ]);
    return [...nodes, ...source.edges.map((edge) => ({ data: { ...edge, isLarge, isDashed: edge.isDashed || undefined } }))];
  }

  function style() {
    const look = lineageLook;
    return [
      ...look.style(narrow),
      { selector: "node", style: { "min-zoomed-font-size": 6 } },
      { selector: "node[?isLarge]", style: { "background-image": "none", "text-margin-x": 12 - WIDTH, "text-margin-y": 0, "border-color": (node) => look.tint(node.data("kind"), look.isDark()) } },
      { selector: "edge[?isLarge]", style: { "curve-style": "straight", width: 1 } },
      { selector: "edge[?isDashed]", style: { "line-style": "dashed" } },
      // Lines turn in the gap before the layer they lead to; halfway they would cross the nodes of the layers between.
      { selector: "edge", style: { "taxi-turn": narrow ? "-42px" : "-80px" } },
      { selector: "edge[count > 1]", style: { width: 2.5 } },
      { selector: "node[kind = 'group']", style: { "border-style": "double", "border-width": 4 } },
      { selector: "node[?isMore]", style: { width: "data(width)", height: 22, "corner-radius": 11, "background-color": look.colour("wash"), color: look.colour("accent"), "border-color": look.colour("accent"), "font-weight": CHIP_FONT.weight, "font-size": CHIP_FONT.size } },
      { selector: "node.match", style: { "border-width": 3, "border-color": look.colour("gold") } },
      { selector: "node.chosen", style: { "border-width": 3, "border-color": look.colour("accent"), "background-color": look.colour("wash") } },
      { selector: ".dim", style: { opacity: 0.28 } },
    ];
  }

  // Captions lie on their nodes, chips in the gaps beside them.
  function placeOf(of, { isCaption, side, width }) {
    if (isCaption) return { ...of };
    const way = side === "up" ? -1 : 1;
    return narrow ? { x: of.x, y: of.y + way * (HEIGHT / 2 + 18) } : { x: of.x + way * ((WIDTH + width) / 2 + 4), y: of.y };
  }

  // Puts the view in the place of the one before. What was acted on stays where it is on the screen.
  function draw(anchor) {
    const before = anchor && cy.getElementById(anchor);
    const spot = before && before.nonempty() ? { ...before.renderedPosition() } : null;
    const isLarge = source.nodes.length > LARGE;
    const drawn = elements(isLarge);
    const isLayered = source.nodes.length > graphLayout.DAGRE_AT_MOST;
    if (isLayered) {
      // Elements that come with their places are styled and measured once.
      const at = graphLayout.place(source.nodes, source.edges, { isDownward: narrow, width: WIDTH, height: HEIGHT });
      for (const one of drawn) if (!one.data.source) one.position = one.data.of ? placeOf(at.get(one.data.of), one.data) : at.get(one.data.id);
    }
    cy.batch(() => {
      cy.elements().remove();
      cy.add(drawn);
    });
    if (!isLayered) {
      cy.elements("node[!of], edge").layout({ name: "dagre", rankDir: narrow ? "TB" : "LR", nodeSep: 24, rankSep: narrow ? 84 : 160, edgeSep: 8, fit: false }).run();
      cy.nodes("[of]").positions((one) => placeOf(cy.getElementById(one.data("of")).position(), one.data()));
    }
    // What is told of the chosen node takes room from the picture.
    choose(params.get("at") || "", { isQuiet: true });
    const after = spot && cy.getElementById(anchor);
    if (after && after.nonempty()) {
      const now = after.renderedPosition();
      cy.panBy({ x: spot.x - now.x, y: spot.y - now.y });
    } else show();
    tell();
    search();
    canvas.dataset.drawn = String(source.nodes.length);
    performance.mark("graph-drawn");
  }

  // How far the picture reaches, from its places alone: to measure every label takes a second.
  function extent() {
    const places = cy.nodes("[!of]").map((one) => one.position());
    const [left, right] = [Math.min, Math.max].map((end) => places.reduce((sum, { x }) => end(sum, x), places[0].x));
    const [top, bottom] = [Math.min, Math.max].map((end) => places.reduce((sum, { y }) => end(sum, y), places[0].y));
    return { width: right - left + WIDTH + 2 * ROOM, height: bottom - top + HEIGHT + ROOM, x: (left + right) / 2, y: (top + bottom) / 2 };
  }

  function point(zoom, { x, y }) {
    cy.viewport({ zoom, pan: { x: cy.width() / 2 - zoom * x, y: cy.height() / 2 - zoom * y } });
  }

  // The whole picture on the screen.
  function fit() {
    const all = extent();
    const zoom = Math.min(1, cy.width() / all.width, cy.height() / all.height);
    point(zoom, { x: all.x, y: halfway(all, cy.height() / zoom) });
  }

  // What is halfway down the screen. On phones, which show the upper part of it first, a low picture begins at the top.
  function halfway(all, room) {
    return narrow ? all.y + Math.max(0, room - all.height) / 2 : all.y;
  }

  // All of it if that can be read, else about the chosen node or the root, and as much of each side as there is room for.
  function show() {
    cy.resize();
    fit();
    if (cy.zoom() < READABLE) {
      const zoom = narrow ? 0.7 : 0.75;
      const all = extent();
      const chosen = cy.getElementById(params.get("at") || "");
      const about = (chosen.nonempty() ? chosen : cy.$("node[?isRoot]").first()).position();
      const room = cy.height() / zoom;
      point(zoom, {
        x: within(about.x, all.x, all.width, cy.width() / zoom),
        y: within(about.y, halfway(all, room), all.height, room),
      });
    }
  }

  // The middle of a window that holds a place and no more emptiness beyond the ends than it must.
  function within(place, middle, length, room) {
    const play = Math.max(0, (length - room) / 2);
    return Math.min(middle + play, Math.max(middle - play, place));
  }

  function tell() {
    const note = document.getElementById("graph-note");
    note.hidden = !source.reason;
    note.querySelector("[data-slot=reason]").textContent = source.reason;
    document.getElementById("graph-count").textContent = plural(source.nodes.length, "node");
    canvas.setAttribute("aria-label", `Graph of ${plural(source.nodes.length, "node")} and ${plural(source.edges.length, "line")}`);
    const parts = document.getElementById("graph-parts");
    parts.hidden = !source.parts.length;
    parts.querySelector("ul").replaceChildren(...source.parts.map((part) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn btn-sm";
      button.dataset.part = part.key;
      button.textContent = `Close ${part.name} (${part.members.toLocaleString()})`;
      item.append(button);
      return item;
    }));
    const query = params.toString();
    for (const link of document.querySelectorAll("[data-carries-view]")) {
      const target = new URL(link.href);
      target.search = query;
      if (link.dataset.carriesView) target.searchParams.set("form", link.dataset.carriesView);
      link.href = target;
    }
    for (const button of document.querySelectorAll("[data-copy-view]")) button.dataset.copy = `${location.origin}${form.action.replace(location.origin, "")}?${query}`;
  }

  /* --- The address and the view ----------------------------------------------------------------------------------- */

  async function load({ isPushed = true, anchor = null, said = "" } = {}) {
    loading?.abort();
    loading = new AbortController();
    canvas.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(`${canvas.dataset.address}?${params}`, { headers: { "HX-Request": "true" }, signal: loading.signal });
      if (answer.headers.has("HX-Refresh")) { location.reload(); return; }
      if (!answer.ok) throw new Error(answer.headers.get("Content-Type")?.startsWith("text/plain") ? await answer.text() : `The server answered ${answer.status}. Load the page again.`);
      source = await answer.json();
    } catch (error) {
      if (error.name === "AbortError") return;
      complain(error instanceof TypeError ? "The server cannot be reached. What is shown may be out of date." : error.message);
      params = new URLSearchParams(source.query);
      restore();
      return;
    } finally {
      canvas.removeAttribute("aria-busy");
    }
    document.getElementById("graph-complaint").hidden = true;
    const at = params.get("at") || "";
    params = new URLSearchParams(source.query);
    if (isPushed) history.pushState(null, "", `?${params}`);
    restore();
    draw(anchor);
    announce(said || `${plural(source.nodes.length, "node")} shown`);
    if (at) choose(at, { isQuiet: true });
  }

  function complain(text) {
    const box = document.getElementById("graph-complaint");
    box.querySelector("[data-slot=text]").textContent = text;
    box.hidden = false;
  }

  // The fields say what the address says, after going back too.
  function restore() {
    const said = { view: "map", direction: "both", depth: "1", group: "", as_of: "", ...Object.fromEntries(params) };
    for (const name of ["view", "direction"]) for (const choice of form.elements[name]) choice.checked = choice.value === said[name];
    form.elements.depth.value = said.depth;
    const byJob = form.elements.group.querySelector("option[value=job]");
    if (byJob) byJob.disabled = said.view === "field";
    form.elements.group.value = said.group;
    form.elements.as_of.value = said.as_of.slice(0, 10);
    slide();
    find.value = params.get("find") || "";
  }

  function note(name, value) {
    if (value) params.set(name, value);
    else params.delete(name);
    history.replaceState(null, "", `?${params}`);
    tell();
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", (event) => {
    const { name, value } = event.target;
    if (!name) return;
    if (name === "view") OF_ONE_VIEW.forEach((each) => params.delete(each));
    if (name === "view" && value === "field" && params.get("group") === "job") params.delete("group");
    if (name === "group") ["part", "at"].forEach((each) => params.delete(each));
    if (value) params.set(name, value);
    else params.delete(name);
    load();
  });
  addEventListener("popstate", () => {
    params = new URLSearchParams(location.search);
    load({ isPushed: false });
  });

  /* --- Opening ---------------------------------------------------------------------------------------------------- */

  const node = (id) => source.nodes.find((one) => one.id === id);
  const opened = (id, side) => source.opened.find((one) => one.node === id && one.side === SIDES[side]);
  const beside = (id, side) => new Set(source.edges.filter((edge) => (side === "up" ? edge.target : edge.source) === id).map((edge) => (side === "up" ? edge.source : edge.target)));

  function forget(id, side) {
    const kept = params.getAll(side).filter((text) => text.split(".")[0] !== id);
    params.delete(side);
    kept.forEach((text) => params.append(side, text));
  }

  // As many as were shown and one helping more.
  function open(id, side) {
    const one = node(id);
    if (!one || !one[side] || one.members) return;
    const count = opened(id, side) ? opened(id, side).count + source.first : (Math.floor(beside(id, side).size / source.first) + 1) * source.first;
    forget(id, side);
    params.append(side, count === source.first ? id : `${id}.${count}`);
    params.set("at", id);
    load({ anchor: id, said: `More ${side === "up" ? "before" : "after"} ${one.name}` });
  }

  function close(id, side) {
    if (!opened(id, side)) return;
    forget(id, side);
    load({ anchor: id, said: `Closed ${side === "up" ? "before" : "after"} ${node(id).name}` });
  }

  function toggle(part, anchor) {
    const parts = params.getAll("part");
    params.delete("part");
    (parts.includes(part) ? parts.filter((one) => one !== part) : [...parts, part]).forEach((one) => params.append("part", one));
    params.delete("at");
    load({ anchor });
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-open], [data-close], [data-part], [data-add], [data-zoom], [data-save]");
    if (!button) return;
    const id = params.get("at");
    const { open: more, close: less, part, add, zoom: level, save: wanted } = button.dataset;
    if (more) open(id, more);
    else if (less) close(id, less);
    else if (part) toggle(part);
    else if (add) {
      params.append("show", add);
      load({ anchor: id, said: `${button.dataset.name} added` });
    } else if (level) zoom(level);
    else if (wanted) save();
  });

  /* --- Choosing --------------------------------------------------------------------------------------------------- */

  function choose(id, { isQuiet = false } = {}) {
    cy.elements(".chosen, .near").removeClass("chosen near");
    const one = node(id);
    panel.hidden = !one;
    canvas.parentElement.parentElement.classList.toggle("graph__stage--alone", !one);
    cy.resize();
    if (!one) { if (!isQuiet) note("at", ""); return; }
    const drawn = cy.getElementById(id);
    drawn.addClass("chosen");
    drawn.connectedEdges().addClass("near");
    describe(one);
    if (isQuiet) return;
    note("at", id);
    announce(sentence(one));
  }

  function sentence(one) {
    const sides = Object.entries({ up: "before it", down: "after it" }).map(([side, word]) => `${beside(one.id, side).size} shown ${word}${one[side] ? `, ${hiddenWords(one, side)}` : ""}`);
    return [`${one.kind} ${one.name}`, one.caption, one.state, ...(one.members ? [`${one.members} together`] : sides)].filter(Boolean).join(", ");
  }

  function slot(name, text) {
    const place = panel.querySelector(`[data-slot="${name}"]`);
    place.textContent = text;
    const row = place.closest("[data-row]");
    if (row) row.hidden = !text;
  }

  function describe(one) {
    const at = one.at ? new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(new Date(one.at)) : "";
    for (const [name, text] of Object.entries({ name: one.name, kind: one.members ? "Group" : one.kind, caption: one.caption, namespace: one.namespace, state: one.state, at, owners: one.owners.join(", ") || (one.members ? "" : "No owner") })) slot(name, text);
    const links = panel.querySelector("[data-slot=links]");
    links.hidden = Boolean(one.members);
    panel.querySelector("[data-link=page]").href = one.href || "#";
    panel.querySelector("[data-link=impact]").href = one.asset ? `/assets/${one.asset}/impact` : "#";
    const here = new URLSearchParams(params);
    OF_ONE_VIEW.forEach((name) => here.delete(name));
    here.set("asset", one.asset);
    if (one.kind === "run") here.set("run", one.id);
    panel.querySelector("[data-link=here]").href = `?${here}`;
    const group = panel.querySelector("[data-slot=group]");
    group.hidden = !one.members;
    group.querySelector("button").dataset.part = one.id.replace("group-", "");
    for (const side of Object.keys(SIDES)) describeSide(one, side);
  }

  function describeSide(one, side) {
    const box = panel.querySelector(`[data-side="${side}"]`);
    box.hidden = Boolean(one.members);
    const hidden = one[side];
    const shown = beside(one.id, side).size;
    const words = [`${shown.toLocaleString()} shown`];
    if (hidden) words.push(hiddenWords(one, side));
    box.querySelector("[data-slot=count]").textContent = words.join(", ");
    const more = box.querySelector("[data-open]");
    more.hidden = !hidden;
    more.textContent = hidden > source.first ? `Show ${source.first} more` : `Show ${hidden} more`;
    box.querySelector("[data-close]").hidden = !opened(one.id, side);
    const seek = box.querySelector("form");
    seek.hidden = hidden <= source.first || params.get("view") === "field";
    if (seek.dataset.of !== one.id) {
      seek.dataset.of = one.id;
      seek.elements.q.value = "";
      box.querySelector("ul").replaceChildren();
      box.querySelector("[data-slot=seen]").textContent = "";
    }
  }

  for (const seek of panel.querySelectorAll("[data-side] form")) {
    let timer = 0;
    let asking = null;
    seek.addEventListener("submit", (event) => { event.preventDefault(); ask(); });
    seek.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, SEARCH_DELAY_MS); });

    async function ask() {
      asking?.abort();
      const box = seek.closest("[data-side]");
      const list = box.querySelector("ul");
      const seen = box.querySelector("[data-slot=seen]");
      const text = seek.elements.q.value.trim();
      if (!text) { list.replaceChildren(); seen.textContent = ""; return; }
      asking = new AbortController();
      const query = new URLSearchParams(["asset", "view", "as_of", "known_at"].filter((name) => params.get(name)).map((name) => [name, params.get(name)]));
      query.set("node", seek.dataset.of);
      query.set("side", SIDES[box.dataset.side]);
      query.set("q", text);
      query.set("shown", String(beside(seek.dataset.of, box.dataset.side).size + 1));
      let answer = null;
      try {
        const reply = await fetch(`${seek.getAttribute("action")}?${query}`, { headers: { "HX-Request": "true" }, signal: asking.signal });
        if (!reply.ok) throw new Error(await reply.text());
        answer = await reply.json();
      } catch (error) {
        if (error.name !== "AbortError") complain(error.message);
        return;
      }
      const others = answer.found.filter((one) => !node(one.id)).slice(0, source.first);
      const shown = answer.found.filter((one) => node(one.id)).length;
      list.replaceChildren(...others.map(item));
      const words = [others.length ? `${answer.isCut || others.length === source.first ? "The first " : ""}${others.length} of those not shown` : "None of those not shown matches"];
      if (shown) words.push(`${shown} shown already`);
      seen.textContent = words.join(", ");
    }
  }

  function item(one) {
    const row = document.createElement("li");
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = one.version ? `${one.name} ${one.version}` : one.name;
    name.title = `${one.namespace} ${one.name}`;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-sm";
    button.textContent = "Show";
    button.setAttribute("aria-label", `Show ${name.textContent}`);
    button.dataset.add = one.id;
    button.dataset.name = one.name;
    row.append(name, button);
    return row;
  }

  /* --- Searching inside ------------------------------------------------------------------------------------------- */

  const matches = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return null;
    return source.nodes.filter((one) => { const said = `${one.namespace} ${one.name} ${one.caption}`.toLowerCase(); return words.every((word) => said.includes(word)); });
  };

  function search() {
    const hits = matches();
    cy.batch(() => {
      cy.elements(".match, .dim").removeClass("match dim");
      if (!hits) return;
      const ids = new Set(hits.map((one) => one.id));
      cy.nodes().forEach((one) => { one.addClass(ids.has(one.data("of") || one.id()) ? (one.data("of") ? "" : "match") : "dim"); });
    });
    found.textContent = hits ? `${hits.length.toLocaleString()} of ${source.nodes.length.toLocaleString()} match` : "";
  }

  let typing = 0;
  find.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => { search(); note("find", find.value.trim()); }, SEARCH_DELAY_MS);
  });
  find.form.addEventListener("submit", (event) => {
    event.preventDefault();
    const hits = matches();
    if (!hits?.length) return;
    const next = hits[(hits.findIndex((one) => one.id === params.get("at")) + 1) % hits.length];
    choose(next.id);
    cy.center(cy.getElementById(next.id));
  });

  /* --- Moving ----------------------------------------------------------------------------------------------------- */

  function zoom(level) {
    const middle = { x: cy.width() / 2, y: cy.height() / 2 };
    if (level === "in") cy.zoom({ level: cy.zoom() * 1.25, renderedPosition: middle });
    else if (level === "out") cy.zoom({ level: cy.zoom() / 1.25, renderedPosition: middle });
    else fit();
  }

  // The neighbour along the lines, or the nearest node beside it.
  function step(way) {
    const id = params.get("at");
    const here = id ? cy.getElementById(id) : cy.collection();
    if (here.empty()) { choose(cy.$("node[?isRoot]").first().id()); return; }
    const [along, across] = narrow ? ["y", "x"] : ["x", "y"];
    const at = here.position();
    const isAlong = way === "before" || way === "after";
    const linked = way === "after" ? here.outgoers("node[!of]") : way === "before" ? here.incomers("node[!of]") : cy.collection();
    const sign = way === "after" || way === "next" ? 1 : -1;
    const others = cy.nodes("[!of]").filter((other) => other.id() !== id && (isAlong ? linked.has(other) : Math.abs(other.position(along) - at[along]) < 120 && sign * (other.position(across) - at[across]) > 0));
    if (others.empty()) { announce(isAlong ? `Nothing shown ${way} it` : "No other beside it"); return; }
    const nearest = others.min((other) => Math.hypot(other.position("x") - at.x, other.position("y") - at.y)).ele;
    choose(nearest.id());
    const { x1, y1, x2, y2 } = nearest.renderedBoundingBox();
    if (x1 < 0 || y1 < 0 || x2 > cy.width() || y2 > cy.height()) cy.center(nearest);
  }

  const KEYS = {
    ArrowLeft: () => step(narrow ? "previous" : "before"), ArrowRight: () => step(narrow ? "next" : "after"),
    ArrowUp: () => step(narrow ? "before" : "previous"), ArrowDown: () => step(narrow ? "after" : "next"),
    u: () => open(params.get("at"), "up"), d: () => open(params.get("at"), "down"),
    U: () => close(params.get("at"), "up"), D: () => close(params.get("at"), "down"),
    "+": () => zoom("in"), "-": () => zoom("out"), 0: () => zoom("fit"), "/": () => find.focus(),
    Home: () => { choose(cy.$("node[?isRoot]").first().id()); show(); },
    Escape: () => choose(""),
    Enter: () => {
      const one = node(params.get("at"));
      if (one?.members) toggle(one.id.replace("group-", ""), null);
      else if (one) location.assign(one.href);
    },
  };
  canvas.addEventListener("keydown", (event) => {
    const key = KEYS[event.key];
    if (!key || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    key();
  });
  // Cytoscape keeps a press to itself, and with it the focus.
  canvas.addEventListener("mousedown", () => canvas.focus({ preventScroll: true }), { capture: true });
  // The wheel scrolls the page; with Ctrl, or two fingers, it zooms the picture.
  canvas.addEventListener("wheel", (event) => cy.userZoomingEnabled(event.ctrlKey || event.metaKey), { capture: true, passive: true });

  /* --- The day ---------------------------------------------------------------------------------------------------- */

  const slider = document.getElementById("graph-slider");
  const DAY_MS = 86_400_000;
  const first = Date.parse(slider.dataset.first);
  const last = Date.parse(slider.dataset.last);
  slider.max = String(Math.round((last - first) / DAY_MS));
  slider.parentElement.hidden = last <= first;

  function slide() {
    const day = form.elements.as_of.value;
    slider.value = String(day ? Math.round((Date.parse(day) - first) / DAY_MS) : slider.max);
    name(day);
  }

  function name(day) {
    slider.setAttribute("aria-valuetext", day || "now");
    document.getElementById("graph-day").textContent = day ? new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(day)) : "Now";
  }

  const slid = () => (slider.value === slider.max ? "" : new Date(first + Number(slider.value) * DAY_MS).toISOString().slice(0, 10));
  slider.addEventListener("input", () => { form.elements.as_of.value = slid(); name(slid()); });
  slider.addEventListener("change", () => {
    if (slid()) params.set("as_of", slid());
    else params.delete("as_of");
    load({ said: slid() ? `As of ${slid()}` : "As of now" });
  });

  /* --- Taking it along -------------------------------------------------------------------------------------------- */

  function save() {
    const text = graphSvg.write(cy, document.title, narrow);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
    link.download = `graph-${params.get("asset")}.svg`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  cy = cytoscape({
    container: canvas, elements: [], style: style(),
    pixelRatio: source.nodes.length > LARGE ? 1 : Math.max(2, devicePixelRatio),
    hideEdgesOnViewport: source.nodes.length > LARGE, textureOnViewport: source.nodes.length > LARGE,
    minZoom: 0.02, maxZoom: 2, autoungrabify: true, boxSelectionEnabled: false, userZoomingEnabled: false,
  });
  cy.on("tap", "node", (event) => {
    const one = event.target;
    if (one.data("isMore")) open(one.data("of"), one.data("side"));
    else choose(one.id());
  });
  cy.on("dbltap", "node[!isMore]", (event) => { choose(event.target.id()); KEYS.Enter(); });
  cy.on("mouseover", "node", () => canvas.classList.add("lineage__canvas--pointing"));
  cy.on("mouseout", "node", () => canvas.classList.remove("lineage__canvas--pointing"));
  const restyle = () => cy.style(style());
  document.addEventListener("portal:theme", restyle);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", restyle);
  restore();
  draw(null);
})();
