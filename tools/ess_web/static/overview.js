// The first page: the single line, and a card for each asset, made of what its variables say of themselves.

import { diagram } from "./diagram.js";
import { el } from "./dom.js";
import { text, unitOf } from "./format.js";
import { openSet } from "./setting.js";
import { cell, follow, read } from "./values.js";

export const overview = {
  id: "overview",
  title: "Overview",
  rebuiltBy: ["cards", "diagram"],

  build(root, app) {
    root.append(diagram(app.said.diagram ?? {}));
    const cards = app.said.cards ?? [];
    root.append(el("div", { class: "cards" }, ...cards.map((card) => shown(card, app))));
    if (!cards.length) root.append(el("p", { class: "hint" }, "No cards: the engine has shown no variables with a ui_type below /assets."));
  },

  wants(app) {
    const rows = (app.said.cards ?? []).flatMap((card) => card.rows.map((row) => row.uri));
    return { watch: [...new Set([...rows, ...Object.values(app.said.diagram ?? {})])] };
  },
};

function shown(card, app) {
  const of = (kind) => card.rows.filter((row) => row.ui_type === kind);
  const statuses = of("status").map((row) => el("tr", {}, el("th", {}, row.name), el("td", {}, cell(row.uri, unitOf(row)))));
  const controls = of("control").map((row) => control(row, app));
  const lamps = [...of("fault"), ...of("alarm")].map((row) => lamp(row));
  return el("section", { class: "card", "data-table": card.table },
    el("h2", {}, card.title, ...lamps),
    statuses.length ? el("table", {}, ...statuses) : null,
    controls.length ? el("div", { class: "controls" }, ...controls) : null);
}

// Lit while there are messages; neither lit nor dark while nobody knows.
function lamp(row) {
  const made = el("span", { class: "lamp", "data-uri": row.uri });
  follow(row.uri, () => {
    const { value, reason } = read(row.uri);
    made.className = `lamp ${reason ? "bad" : value ? row.ui_type : "dark"}`;
    made.textContent = `${row.name}${reason ? ": not valid" : ""}`;
    made.title = reason || (value ? "see Alarms" : "none");
  });
  return made;
}

function control(row, app) {
  const may = app.user?.role === "operator";
  const why = !may ? "viewers cannot set anything" : row.enabled ? "" : row.reason || "disabled by the engine now";
  const open = (choice) => () => openSet({ uri: row.uri, title: row.name, unit: unitOf(row), choice });
  const options = row.options ?? [];
  const buttons = options.length
    ? options.map((option) => choice(row, option, open({ name: option.name, value: option.return_value }), why))
    : [cell(row.uri, unitOf(row)), el("button", { onclick: open(null), disabled: why !== "", title: why }, "Set …")];
  return el("div", { class: "control", "data-control": row.uri }, el("span", { class: "name" }, row.name), el("span", { class: "choices" }, ...buttons));
}

function choice(row, option, onclick, why) {
  const made = el("button", { onclick, disabled: why !== "", title: why }, option.name || text(option.return_value));
  // A button is pressed and springs back; of a slider one position is the current one.
  if (row.type !== "enum_button") {
    follow(row.uri, () => {
      const { value, reason } = read(row.uri);
      made.classList.toggle("chosen", !reason && value === option.return_value);
      made.classList.toggle("bad", reason !== "");
    });
  }
  return made;
}
