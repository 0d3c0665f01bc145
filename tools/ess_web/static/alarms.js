// Alarms and faults; what is over stays until somebody has seen it.

import { el, toast } from "./dom.js";
import { time } from "./format.js";
import { ask } from "./link.js";

const STANDING = { active: "stands", over: "over", unknown: "not known now" };

export const alarms = {
  id: "alarms",
  title: "Alarms",
  rebuiltBy: ["alarms"],

  build(root, app) {
    const { list, left_out: leftOut } = app.said.alarms ?? { list: [], left_out: 0 };
    const open = list.filter((one) => !one.by);
    const may = app.user?.role === "operator";
    const all = el("button", { id: "acknowledge-all", disabled: !may || !open.length, onclick: () => acknowledge(open) }, "Acknowledge all");
    root.append(el("div", { class: "bar" }, el("span", {}, `${list.length} in the list, ${open.length} not acknowledged`), all));
    if (leftOut) root.append(el("p", { class: "bad" }, `${leftOut} more did not fit into the list`));
    if (!list.length) root.append(el("p", { class: "hint" }, app.stale() ? "Nothing is known now." : "No alarms, no faults."));
    else root.append(el("table", { class: "list" }, head(), el("tbody", {}, ...list.map((one) => row(one, may, app)))));
  },

  wants: () => ({}),
};

const head = () => el("thead", {}, el("tr", {}, ...["Kind", "Of", "What", "Since", "State", "Acknowledged"].map((name) => el("th", {}, name))));

function row(one, may, app) {
  const standing = app.stale() ? "unknown" : one.standing;
  const seen = one.by ? `by ${one.by}, ${time(one.acknowledged)}` : el("button", { disabled: !may, onclick: () => acknowledge([one]) }, "Acknowledge");
  const state = standing === "over" ? `over since ${time(one.until)}` : STANDING[standing];
  return el("tr", { class: `${one.kind} ${standing}`, "data-alarm": one.number },
    el("td", {}, one.kind), el("td", { title: one.uri }, one.asset), el("td", { class: "what" }, one.text),
    el("td", {}, time(one.since)), el("td", {}, state), el("td", {}, seen));
}

function acknowledge(list) {
  ask("/api/acknowledge", { numbers: list.map((one) => one.number) }).catch((error) => toast(error.message));
}
