// Trends of chosen variables: recorded by ess_web once a second, for an hour; one chart for each unit.

import { el, toast } from "./dom.js";
import { unitOf } from "./format.js";
import { ask } from "./link.js";
import { cell } from "./values.js";

const COLOURS = ["#2f81f7", "#e5534b", "#3fb950", "#d29922", "#a371f7", "#39c5cf", "#db61a2", "#8b949e"];
const KEPT = 3600;
const STORED = "ess_web.trends";
const MAX = 16;

let chosen = null; // URIs
let series = new Map(); // uri -> [[time, value]]
let charts = [];

function stored(app) {
  if (chosen) return chosen;
  try {
    chosen = JSON.parse(localStorage.getItem(STORED) ?? "null");
  } catch {
    chosen = null;
  }
  const places = app.said.diagram ?? {};
  if (!Array.isArray(chosen)) chosen = ["pcs.power", "bms.power", "ess.setpoint", "bms.soc"].map((place) => places[place]).filter(Boolean);
  return chosen;
}

export function choose(uri, app) {
  const all = stored(app);
  if (all.includes(uri)) return toast(`${uri} is in the trends already`);
  if (all.length >= MAX) return toast(`at most ${MAX} variables; take one out first`);
  keep([...all, uri]);
  ask("/api/history", { uris: [uri] }).catch(() => {});
  return toast(`${uri} is in the trends now`);
}

function keep(all) {
  chosen = all;
  localStorage.setItem(STORED, JSON.stringify(all));
}

export const trends = {
  id: "trends",
  title: "Trends",
  rebuiltBy: ["diagram"],

  build(root, app) {
    const all = stored(app);
    const chips = all.map((uri) => el("span", { class: "chip" }, uri, " ", cell(uri), el("button", { class: "quiet", title: "take out", onclick: () => leave(uri, app) }, "×")));
    root.append(el("div", { class: "bar wrap" }, ...chips), el("p", { class: "hint" }, "Choose variables in the bus tree. What was not valid is a gap."));
    const place = el("div", { id: "charts" });
    root.append(place);
    load(place, all, app);
  },

  wants: (app) => ({ watch: stored(app) }),

  frame(frame) {
    for (const [at, taken] of frame.samples ?? []) {
      for (const [uri, own] of series) if (uri in taken && (!own.length || own.at(-1)[0] < at)) own.push([at, taken[uri]]), own.length > KEPT && own.shift();
    }
    if (frame.samples) for (const one of charts) one.chart.setData(data(one.uris));
  },

  leave() {
    for (const one of charts) one.chart.destroy();
    charts = [];
  },
};

function leave(uri, app) {
  keep(stored(app).filter((one) => one !== uri));
  app.rebuild();
}

async function load(place, all, app) {
  try {
    const [said, tree] = await Promise.all([ask("/api/history", { uris: all }), app.tree()]);
    if (!place.isConnected) return;
    series = new Map(Object.entries(said));
    const groups = new Map();
    for (const uri of all) {
      const unit = unitOf(tree[uri.slice(0, uri.lastIndexOf("/"))]?.[uri.slice(uri.lastIndexOf("/") + 1)]);
      // What has no unit shares its scale with nobody.
      groups.set(unit || uri, [...(groups.get(unit || uri) ?? []), uri]);
    }
    trends.leave();
    charts = [...groups].map(([unit, uris]) => ({ uris, chart: draw(place, unit, uris) }));
  } catch (error) {
    if (place.isConnected) place.append(el("p", { class: "error" }, error.message));
  }
}

function data(uris) {
  const times = [...new Set(uris.flatMap((uri) => (series.get(uri) ?? []).map(([at]) => at)))].sort((a, b) => a - b);
  const columns = uris.map((uri) => {
    const own = new Map(series.get(uri) ?? []);
    return times.map((at) => own.get(at) ?? null);
  });
  return [times, ...columns];
}

function draw(place, unit, uris) {
  const style = getComputedStyle(document.body);
  const axis = { stroke: style.getPropertyValue("--soft"), grid: { stroke: style.getPropertyValue("--line") } };
  const lines = uris.map((uri, at) => ({ label: uri, stroke: COLOURS[at % COLOURS.length], width: 2, spanGaps: false, points: { show: false } }));
  const options = {
    width: Math.max(300, place.clientWidth), height: 240, title: unit,
    series: [{}, ...lines], axes: [axis, { ...axis, size: 64 }],
  };
  return new uPlot(options, data(uris), place);
}
