/* The picture as an SVG file: the same boxes, lines and names, as text that can be searched and edited. */
(() => {
  "use strict";

  const MARGIN = 32;

  function escape(text) {
    return String(text).replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);
  }

  function line(edge, isDownward, colours) {
    const from = edge.source().position();
    const to = edge.target().position();
    const { WIDTH, HEIGHT } = lineageLook;
    const start = isDownward ? { x: from.x, y: from.y + HEIGHT / 2 } : { x: from.x + WIDTH / 2, y: from.y };
    const end = isDownward ? { x: to.x, y: to.y - HEIGHT / 2 } : { x: to.x - WIDTH / 2, y: to.y };
    const bend = isDownward ? { x: 0, y: Math.max(24, (end.y - start.y) / 2) } : { x: Math.max(24, (end.x - start.x) / 2), y: 0 };
    const dash = edge.data("isDashed") ? ' stroke-dasharray="5 4"' : "";
    return `<path d="M${start.x} ${start.y}C${start.x + bend.x} ${start.y + bend.y} ${end.x - bend.x} ${end.y - bend.y} ${end.x} ${end.y}" fill="none" stroke="${colours.edge}" stroke-width="1.5"${dash} marker-end="url(#arrow)"><title>${escape(edge.data("relation"))}</title></path>`;
  }

  function box(node, colours, dark) {
    const { WIDTH, HEIGHT, LABEL_START, NAME_FONT, NAMESPACE_FONT, KINDS, tint, shorten } = lineageLook;
    const { x, y } = node.position();
    const { kind, name, caption, namespace, isRoot } = node.data();
    const { path } = KINDS[kind] || KINDS.job;
    const left = x - WIDTH / 2;
    const top = y - HEIGHT / 2;
    return `<g><title>${escape([kind, namespace, name].filter(Boolean).join(" "))}</title>`
      + `<rect x="${left}" y="${top}" width="${WIDTH}" height="${HEIGHT}" rx="8" fill="${isRoot ? colours.wash : colours.surface}" stroke="${isRoot ? colours.accent : colours.line}" stroke-width="${isRoot ? 2 : 1}"/>`
      + `<g transform="translate(${left + 13} ${top + 14}) scale(0.8333)" fill="none" stroke="${tint(kind, dark)}" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"><path d="${path}"/></g>`
      + `<text x="${left + LABEL_START}" y="${y - 4}" font-size="${NAME_FONT.size}" font-weight="${NAME_FONT.weight}" fill="${colours.text}">${escape(shorten(name, NAME_FONT))}</text>`
      + `<text x="${left + LABEL_START}" y="${y + 13}" font-size="${NAMESPACE_FONT.size}" fill="${colours.soft}">${escape(shorten(caption, NAMESPACE_FONT))}</text></g>`;
  }

  function more(node, colours) {
    const { x, y } = node.position();
    return `<text x="${x}" y="${y + 4}" font-size="12" text-anchor="middle" fill="${colours.soft}">${escape(node.data("label"))}</text>`;
  }

  /* The whole picture, whatever part of it is on the screen. */
  function write(cy, title, isDownward) {
    const dark = lineageLook.isDark();
    const colours = Object.fromEntries(["surface", "line", "text", "soft", "edge", "accent", "wash", "canvas"].map((name) => [name, lineageLook.colour(name)]));
    const area = cy.nodes().boundingBox({ includeLabels: false });
    const view = [area.x1 - MARGIN, area.y1 - MARGIN, area.w + 2 * MARGIN, area.h + 2 * MARGIN].map(Math.round);
    const parts = [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${view.join(" ")}" width="${view[2]}" height="${view[3]}" font-family="${escape(lineageLook.family())}">`,
      `<title>${escape(title)}</title>`,
      `<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L10 5L0 10z" fill="${colours.edge}"/></marker></defs>`,
      `<rect x="${view[0]}" y="${view[1]}" width="${view[2]}" height="${view[3]}" fill="${colours.canvas}"/>`,
    ];
    cy.edges().forEach((edge) => { parts.push(line(edge, isDownward, colours)); });
    cy.nodes("[!isCaption]").forEach((node) => { parts.push(node.data("isMore") ? more(node, colours) : box(node, colours, dark)); });
    parts.push("</svg>");
    return parts.join("\n");
  }

  window.graphSvg = { write };
})();
