// The single line of the site: grid, AC contactor, PCS, DC contactor, battery.

import { svg } from "./dom.js";
import { age, text } from "./format.js";
import { follow, read } from "./values.js";

const Y = 92; // of the line
const BOX = { grid: 70, ac: 250, pcs: 440, dc: 630, bms: 800 };
const FLOWS = 0.5; // kW; less is standing still

// [place, unit, x, y] of the texts below the symbols
const TEXTS = [
  ["grid.frequency", "Hz", "grid", 0], ["grid.voltage", "V", "grid", 1], ["grid.power", "kW", "grid", 2],
  ["pcs.state", "", "pcs", 0], ["pcs.power", "kW", "pcs", 1], ["pcs.reactive", "kvar", "pcs", 2],
  ["bms.state", "", "bms", 0], ["bms.power", "kW", "bms", 1], ["bms.voltage", "V", "bms", 2], ["bms.current", "A", "bms", 3],
];

export function diagram(places) {
  const made = svg("svg", { id: "diagram", viewBox: "0 0 900 240", role: "img", "aria-label": "single-line diagram" });
  const of = (place) => (places[place] ? read(places[place]) : { value: null, reason: "not on this site", age: null });
  const whenever = (wanted, show) => {
    const here = wanted.filter((place) => places[place]);
    here.forEach((place) => follow(places[place], () => show(...wanted.map(of))));
    if (!here.length) show(...wanted.map(of));
  };
  made.append(
    line(BOX.grid + 30, BOX.ac - 26, whenever, ["pcs.power", "grid.voltage"], live),
    line(BOX.ac + 26, BOX.pcs - 36, whenever, ["pcs.power", "ac.closed"], live),
    line(BOX.pcs + 36, BOX.dc - 26, whenever, ["pcs.power", "dc.closed"], live),
    line(BOX.dc + 26, BOX.bms - 40, whenever, ["pcs.power", "bms.voltage"], live),
    contactor("ac", "AC contactor", whenever), contactor("dc", "DC contactors", whenever),
    grid(), pcs(), battery(whenever), state(whenever),
  );
  for (const [place, unit, box, row] of TEXTS) if (places[place]) made.append(label(place, unit, BOX[box], 152 + row * 20, whenever));
  return made;
}

const live = (known) => !known.reason && known.value !== false && known.value !== 0;

// Lit while its source is; dashes move with the power, to the right while the battery is charged.
function line(from, to, whenever, wanted, lit) {
  const made = svg("line", { x1: from, x2: to, y1: Y, y2: Y, class: "wire" });
  whenever(wanted, (power, source) => {
    const on = lit(source);
    const flows = on && !power.reason && Math.abs(power.value) > FLOWS;
    made.setAttribute("class", `wire ${on ? "lit" : ""} ${source.reason ? "bad" : ""} ${flows ? (power.value < 0 ? "right" : "left") : ""}`);
  });
  return made;
}

function contactor(name, title, whenever) {
  const x = BOX[name];
  const blade = svg("line", { x1: x - 26, y1: Y, x2: x + 26, y2: Y, class: "blade" });
  const said = svg("text", { x, y: Y + 38, class: "said", "data-place": `${name}.closed` });
  whenever([`${name}.closed`], ({ value, reason, age: old }) => {
    const open = value === false;
    blade.setAttribute("y2", reason || open ? Y - 24 : Y);
    blade.setAttribute("x2", reason || open ? x + 18 : x + 26);
    blade.setAttribute("class", `blade ${reason ? "bad" : open ? "open" : "closed"}`);
    said.setAttribute("class", `said ${reason ? "bad" : ""}`);
    said.textContent = reason ? unknown(old) : open ? "open" : value === true ? "closed" : text(value);
    hint(said, reason);
  });
  const ends = [x - 26, x + 26].map((cx) => svg("circle", { cx, cy: Y, r: 4, class: "end" }));
  return svg("g", {}, caption(x, title), blade, ...ends, said);
}

function grid() {
  const x = BOX.grid;
  const wave = svg("path", { d: `M${x - 16} ${Y} q8 -18 16 0 t16 0`, class: "symbol" });
  return svg("g", {}, caption(x, "Grid"), svg("circle", { cx: x, cy: Y, r: 30, class: "shape" }), wave);
}

function pcs() {
  const x = BOX.pcs;
  const half = svg("path", { d: `M${x - 36} ${Y + 30} L${x + 36} ${Y - 30}`, class: "symbol" });
  const wave = svg("path", { d: `M${x - 28} ${Y - 12} q6 -12 12 0 t12 0`, class: "symbol" });
  const direct = svg("path", { d: `M${x + 4} ${Y + 12} h24 M${x + 4} ${Y + 19} h24`, class: "symbol" });
  const box = svg("rect", { x: x - 36, y: Y - 30, width: 72, height: 60, rx: 5, class: "shape" });
  return svg("g", {}, caption(x, "PCS"), box, half, wave, direct);
}

function battery(whenever) {
  const x = BOX.bms;
  const fill = svg("rect", { x: x - 36, y: Y - 26, width: 0, height: 52, rx: 3, class: "charge" });
  const said = svg("text", { x, y: Y + 6, class: "soc", "data-place": "bms.soc" });
  whenever(["bms.soc", "bms.connected"], ({ value, reason, age: old }, link) => {
    const silent = !link.reason && link.value === false;
    const known = !silent && !reason && typeof value === "number";
    fill.setAttribute("width", known ? (72 * Math.min(100, Math.max(0, value))) / 100 : 0);
    said.setAttribute("class", `soc ${known ? "" : "bad"}`);
    said.textContent = known ? `${text(Math.round(value * 10) / 10)} %` : silent ? "BMS silent" : unknown(old);
    hint(said, reason || (silent ? "the BMS does not communicate" : ""));
  });
  const shape = svg("rect", { x: x - 40, y: Y - 30, width: 80, height: 60, rx: 5, class: "shape" });
  const pole = svg("rect", { x: x + 40, y: Y - 10, width: 6, height: 20, class: "pole" });
  return svg("g", {}, caption(x, "Battery"), shape, fill, pole, said);
}

function state(whenever) {
  const said = svg("text", { x: 16, y: 24, class: "state" });
  whenever(["ess.state", "ess.setpoint", "ess.estop"], (known, wanted, stop) => {
    // Who holds it, or that it is held; "" is nobody.
    const holder = typeof stop.value === "string" && stop.value !== "" ? ` by ${stop.value}` : "";
    const stopped = !stop.reason && (stop.value === true || holder !== "");
    said.setAttribute("class", `state ${known.reason ? "bad" : ""} ${stopped || known.value === "Fault" ? "fault" : ""}`);
    const asked = wanted.reason ? "" : `, set point ${text(wanted.value)} kW`;
    said.textContent = `${stopped ? `EMERGENCY STOP${holder}. ` : ""}ESS: ${known.reason ? unknown(known.age) : text(known.value)}${asked}`;
    hint(said, known.reason);
  });
  said.dataset.place = "ess.state";
  return said;
}

function label(place, unit, x, y, whenever) {
  const said = svg("text", { x, y, class: "said", "data-place": place });
  whenever([place], ({ value, reason, age: old }) => {
    said.setAttribute("class", `said ${reason ? "bad" : ""}`);
    said.textContent = reason ? `${unit || "state"}: ${unknown(old)}` : `${text(value)} ${unit}`;
    hint(said, reason);
  });
  return said;
}

const unknown = (old) => (old === null ? "not valid" : `not valid, ${age(old)}`);
const caption = (x, title) => svg("text", { x, y: Y - 44, class: "caption" }, title);

function hint(said, reason) {
  if (reason) said.append(svg("title", {}, reason));
}
