// The newest values, and the elements that show them. A value that cannot be relied on is never shown as good.

import { el } from "./dom.js";
import { age, text } from "./format.js";

const rows = new Map(); // uri -> [value, at, reason]
const shows = new Map(); // uri -> Set of functions
const kept = new Set(); // [uri, function] of what is no part of a view
let offset = 0; // the server's clock less ours, in seconds
let offline = "not connected yet";

export const now = () => performance.now() / 1000 + offset;

export function take(frame) {
  if (frame.now !== undefined) offset = frame.now - performance.now() / 1000;
  for (const [uri, row] of Object.entries(frame.values ?? {})) {
    rows.set(uri, row);
    for (const show of shows.get(uri) ?? []) show();
    for (const [of, show] of kept) if (of === uri) show();
  }
}

// Forgets what is not kept up to date by the stream any more: all, or what is not among these.
export function forget(watched = []) {
  const kept = new Set(watched);
  for (const uri of rows.keys()) if (!kept.has(uri)) rows.delete(uri);
}

// Says why nothing is valid, "" if there is no such reason.
export function setOffline(reason) {
  offline = reason;
  refresh();
}

export function refresh() {
  for (const own of shows.values()) for (const show of own) show();
  for (const [, show] of kept) show();
}

// What is known of a variable: {value, reason, age}; with a reason it is not valid.
export function read(uri) {
  const row = rows.get(uri);
  if (!row) return { value: null, reason: offline || "not on the bus", age: null };
  const reason = offline || row[2] || (row[0] === null ? "not valid" : "");
  return { value: row[0], reason, age: now() - row[1] };
}

// Calls show() now and whenever it may be different; returns what ends that.
export function follow(uri, show) {
  if (!shows.has(uri)) shows.set(uri, new Set());
  shows.get(uri).add(show);
  show();
  return () => shows.get(uri).delete(show);
}

// The same for what outlasts a view: the view may be built anew below it.
export function followAlways(uri, show) {
  const own = [uri, show];
  kept.add(own);
  show();
  return () => kept.delete(own);
}

export function clear() {
  shows.clear();
}

// An element that shows a variable; what is not valid as "–", with the reason and its age.
export function cell(uri, unit = "") {
  const number = el("span", { class: "number" });
  const note = el("span", { class: "note" });
  const made = el("span", { class: "value", "data-uri": uri }, number, unit ? el("span", { class: "unit" }, unit) : null, note);
  follow(uri, () => {
    const { value, reason, age: old } = read(uri);
    made.classList.toggle("bad", reason !== "");
    number.textContent = reason ? "–" : text(value);
    note.textContent = reason ? `not valid${old === null ? "" : `, ${age(old)}`}` : "";
    const last = value === null ? "" : `; the last value was ${text(value)}`;
    const heard = old === null ? "" : `${age(old)} ago`;
    made.title = reason ? `${reason}${last}${heard && ` (${heard})`}` : `${uri}, heard ${heard}`;
  });
  return made;
}
