/* Where the nodes of a large picture stand. In layers by the rank that the server gives, so that it takes milliseconds
   where Dagre takes minutes: 2,000 nodes in one drawing. Small pictures are left to Dagre, which crosses fewer lines. */
(() => {
  "use strict";

  const DAGRE_AT_MOST = 60;
  const SWEEPS = 6;
  // A layer with more nodes than these goes on in a further column, or nobody could see its ends.
  const COLUMN = 60;

  function layers(nodes) {
    const ranks = new Map();
    for (const node of nodes) {
      if (!ranks.has(node.rank)) ranks.set(node.rank, []);
      ranks.get(node.rank).push(node.id);
    }
    return [...ranks.keys()].sort((a, b) => a - b).map((rank) => ranks.get(rank));
  }

  function neighbours(nodes, edges) {
    const beside = new Map(nodes.map((node) => [node.id, []]));
    for (const { source, target } of edges) {
      if (source === target) continue;
      beside.get(source)?.push(target);
      beside.get(target)?.push(source);
    }
    return beside;
  }

  // Each node goes to the middle of its neighbours in the layers that stand already.
  function order(rows, beside) {
    const place = new Map();
    const note = (row) => row.forEach((id, index) => place.set(id, (index + 0.5) / row.length));
    rows.forEach(note);
    const layerOf = new Map(rows.flatMap((row, number) => row.map((id) => [id, number])));
    for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
      const isForward = sweep % 2 === 0;
      for (const row of isForward ? rows : [...rows].reverse()) {
        const middle = new Map(row.map((id) => {
          const known = beside.get(id).filter((other) => (isForward ? layerOf.get(other) < layerOf.get(id) : layerOf.get(other) > layerOf.get(id)));
          return [id, known.length ? known.reduce((sum, other) => sum + place.get(other), 0) / known.length : place.get(id)];
        }));
        row.sort((a, b) => middle.get(a) - middle.get(b) || place.get(a) - place.get(b));
        note(row);
      }
    }
  }

  // Long layers are folded into columns; each column is centred on the middle line.
  function spread(rows, along, across) {
    const at = new Map();
    let offset = 0;
    for (const row of rows) {
      const columns = Math.ceil(row.length / COLUMN);
      const height = Math.ceil(row.length / columns);
      row.forEach((id, index) => {
        const column = Math.floor(index / height);
        const filled = Math.min(height, row.length - column * height);
        at.set(id, { along: offset + column * along, across: ((index % height) - (filled - 1) / 2) * across });
      });
      offset += along * columns;
    }
    return at;
  }

  // In columns that are not folded, nodes move towards their neighbours as far as the next node lets them.
  function settle(rows, beside, at, across) {
    for (let sweep = 0; sweep < 4; sweep += 1) {
      for (const row of sweep % 2 ? [...rows].reverse() : rows) {
        if (row.length > COLUMN) continue;
        const wished = row.map((id) => {
          const known = beside.get(id);
          return known.length ? known.reduce((sum, other) => sum + at.get(other).across, 0) / known.length : at.get(id).across;
        });
        let before = -Infinity;
        const placed = wished.map((wish) => (before = Math.max(wish, before + across)));
        const drift = placed.reduce((sum, place, index) => sum + place - wished[index], 0) / placed.length;
        row.forEach((id, index) => { at.get(id).across = placed[index] - drift; });
      }
    }
  }

  /* Positions by id, from left to right or downward. */
  function place(nodes, edges, { isDownward, width, height }) {
    const rows = layers(nodes);
    const beside = neighbours(nodes, edges);
    order(rows, beside);
    const across = (isDownward ? width : height) + 20;
    const at = spread(rows, (isDownward ? height + 84 : width + 180), across);
    settle(rows, beside, at, across);
    return new Map([...at].map(([id, spot]) => [id, isDownward ? { x: spot.across, y: spot.along } : { x: spot.along, y: spot.across }]));
  }

  window.graphLayout = { DAGRE_AT_MOST, place };
})();
