// The dialog that sets a value: nothing is sent without a confirmation, and a refusal is shown with its reason.

import { byId, toast } from "./dom.js";
import { text } from "./format.js";
import { ask } from "./link.js";
import { followAlways, read } from "./values.js";

let ending = () => {};
let sending = null;

// asked: {uri, title, unit, choice}; choice is {name, value} of an option, or nothing: then the person types a value.
export function openSet(asked) {
  const dialog = byId("set");
  byId("set-title").textContent = asked.choice ? `${asked.title}: ${asked.choice.name}` : `Set ${asked.title}`;
  byId("set-uri").textContent = asked.uri;
  byId("set-unit").textContent = asked.unit ?? "";
  byId("set-entry").hidden = Boolean(asked.choice);
  byId("set-choice").textContent = asked.choice ? `This sets ${text(asked.choice.value)}.` : "";
  byId("set-value").value = "";
  byId("set-error").textContent = "";
  byId("set-go").disabled = false;
  ending();
  ending = followAlways(asked.uri, () => {
    const { value, reason } = read(asked.uri);
    byId("set-now").textContent = reason ? `not valid (${reason})` : `${text(value)} ${asked.unit ?? ""}`;
  });
  byId("set-go").onclick = () => send(asked);
  byId("set-cancel").onclick = () => dialog.close();
  byId("set-value").onkeydown = (event) => {
    if (event.key === "Enter") send(asked);
  };
  dialog.onclose = () => ending();
  dialog.showModal();
}

// What a person types: a number, true or false, or a text; a text that looks like one of these stands in quotes.
export function typed(entered) {
  const trimmed = entered.trim();
  if (trimmed === "") throw new Error("expected a number, true, false or a text");
  if (/^-?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(trimmed)) return Number(trimmed);
  if (trimmed === "true" || trimmed === "false") return trimmed === "true";
  if (/^".*"$/.test(trimmed)) return trimmed.slice(1, -1);
  if (/^[-+.,\d\s]+$/.test(trimmed)) throw new Error(`${trimmed} is not a number; expected one such as -12.5`);
  return trimmed;
}

async function send(asked) {
  const error = byId("set-error");
  if (sending) return;
  error.textContent = "";
  try {
    const value = asked.choice ? asked.choice.value : typed(byId("set-value").value);
    byId("set-go").disabled = true;
    sending = ask("/api/set", { uri: asked.uri, value });
    await sending;
    byId("set").close();
    toast(`${asked.title}: ${asked.choice ? asked.choice.name : text(value)} was taken`);
  } catch (problem) {
    const unknown = problem.outcome === "unknown" ? " Whether it was carried out is not known." : "";
    error.textContent = `${problem.message}.${unknown}`;
  } finally {
    sending = null;
    byId("set-go").disabled = false;
  }
}
