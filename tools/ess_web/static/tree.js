// All that was seen on the bus, by URI; open what you want to follow, or search.

import { el } from "./dom.js";
import { unitOf } from "./format.js";
import { openSet } from "./setting.js";
import { choose } from "./trends.js";
import { cell } from "./values.js";

const MAX_FOUND = 300;
const opened = new Set();
let search = "";
let tables = {};
let watched = [];

export const tree = {
  id: "tree",
  title: "Bus tree",
  rebuiltBy: [],

  build(root, app) {
    const place = el("div", { id: "tree" });
    const count = el("span", { id: "tree-count" });
    const entry = el("input", { id: "search", type: "search", placeholder: "search: words of a URI", value: search });
    let waiting = null;
    entry.oninput = () => {
      search = entry.value;
      clearTimeout(waiting);
      waiting = setTimeout(() => fill(place, count, app), 150);
    };
    root.append(el("div", { class: "bar" }, entry, count), place);
    this.again = () => fetched(place, count, app);
    this.again();
  },

  frame(frame, app) {
    if (frame.structure !== undefined) app.later("tree", () => this.again?.());
  },

  wants: () => ({ watch: watched }),
};

async function fetched(place, count, app) {
  try {
    tables = await app.tree(true);
  } catch (error) {
    if (place.isConnected) place.replaceChildren(el("p", { class: "error" }, error.message));
    return;
  }
  if (place.isConnected) fill(place, count, app);
}

function fill(place, count, app) {
  watched = [];
  app.forget();
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const all = Object.values(tables).reduce((sum, members) => sum + Object.keys(members).length, 0);
  if (words.length) {
    const found = [];
    for (const [table, members] of Object.entries(tables)) {
      for (const name of Object.keys(members)) {
        const uri = `${table}/${name}`;
        if (words.every((word) => uri.toLowerCase().includes(word))) found.push([uri, members[name]]);
      }
    }
    count.textContent = `${found.length} of ${all} variables${found.length > MAX_FOUND ? `, the first ${MAX_FOUND} are shown` : ""}`;
    place.replaceChildren(el("table", { class: "leaves" }, ...found.slice(0, MAX_FOUND).map(([uri, meta]) => leaf(uri, uri, meta, app))));
  } else {
    count.textContent = `${all} variables in ${Object.keys(tables).length} tables`;
    place.replaceChildren(...branches(nested(), "", app));
  }
  app.rewatch();
}

function nested() {
  const root = { below: new Map(), members: null };
  for (const [table, members] of Object.entries(tables)) {
    let branch = root;
    for (const segment of table.split("/").slice(1)) {
      if (!branch.below.has(segment)) branch.below.set(segment, { below: new Map(), members: null });
      branch = branch.below.get(segment);
    }
    branch.members = members;
  }
  return root;
}

function branches(branch, path, app) {
  return [...branch.below].map(([segment, one]) => {
    const uri = `${path}/${segment}`;
    const inside = el("div", { class: "inside" });
    const made = el("details", { "data-branch": uri }, el("summary", {}, segment), inside);
    const open = () => {
      inside.replaceChildren(...branches(one, uri, app));
      const members = Object.entries(one.members ?? {});
      if (members.length) inside.append(el("table", { class: "leaves" }, ...members.map(([name, meta]) => leaf(`${uri}/${name}`, name, meta, app))));
    };
    if (opened.has(uri)) {
      made.open = true;
      open();
    }
    made.ontoggle = () => {
      if (made.open === opened.has(uri)) return;
      if (made.open) {
        opened.add(uri);
        open();
      } else {
        opened.delete(uri);
        const gone = [...inside.querySelectorAll("[data-uri]")].map((shown) => shown.dataset.uri);
        watched = watched.filter((own) => !gone.includes(own));
        inside.replaceChildren();
      }
      app.rewatch();
    };
    return made;
  });
}

function leaf(uri, shown, meta, app) {
  watched.push(uri);
  const set = app.user?.role === "operator" ? el("button", { class: "quiet", onclick: () => openSet({ uri, title: shown, unit: unitOf(meta) }) }, "Set …") : null;
  return el("tr", { "data-leaf": uri }, el("th", {}, shown), el("td", {}, cell(uri, unitOf(meta))),
    el("td", {}, el("button", { class: "quiet", onclick: () => choose(uri, app) }, "Trend"), set));
}
