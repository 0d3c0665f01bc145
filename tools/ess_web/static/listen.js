// Live listen: what is sent on the bus now, as fims_listen shows it, filtered by the server.

import { el } from "./dom.js";
import { clock } from "./format.js";

const KEPT = 500;
const filter = { prefix: "/", method: "", text: "" };
let running = true;
let missed = 0;
let body = null;
let note = null;

export const listen = {
  id: "listen",
  title: "Listen",
  rebuiltBy: [],

  build(root, app) {
    missed = 0;
    const changed = (name) => (event) => {
      filter[name] = event.target.value;
      app.later("listen", () => app.rewatch());
    };
    const methods = ["", "pub", "set", "get", "post", "del"].map((one) => el("option", { value: one, selected: one === filter.method }, one || "all methods"));
    const stop = el("button", { id: "listen-stop" }, running ? "Pause" : "Go on");
    stop.onclick = () => {
      running = !running;
      stop.textContent = running ? "Pause" : "Go on";
      app.rewatch();
    };
    note = el("span", { class: "hint" });
    body = el("tbody", { id: "lines" });
    root.append(
      el("div", { class: "bar wrap" },
        el("label", {}, "URI ", el("input", { id: "listen-prefix", value: filter.prefix, oninput: changed("prefix") })),
        el("select", { id: "listen-method", "aria-label": "method", oninput: changed("method") }, ...methods),
        el("label", {}, "contains ", el("input", { id: "listen-text", value: filter.text, oninput: changed("text") })),
        stop, el("button", { onclick: () => body.replaceChildren() }, "Clear"), note),
      el("table", { class: "list lines" }, el("thead", {}, el("tr", {}, ...["Time (UTC)", "Method", "URI", "From", "Body"].map((name) => el("th", {}, name)))), body),
    );
  },

  wants: () => ({ listen: running && filter.prefix.startsWith("/") ? { ...filter } : null }),

  frame(frame) {
    if (!frame.lines || !body) return;
    missed += frame.missed;
    note.textContent = missed ? `${missed} more were too many to show; narrow the filter` : "";
    for (const one of frame.lines) body.prepend(row(one));
    while (body.childElementCount > KEPT) body.lastElementChild.remove();
  },
};

function row(one) {
  const method = one.status === null ? one.method : `reply ${one.status}`;
  return el("tr", { class: one.method }, el("td", {}, clock(one.at)), el("td", {}, method), el("td", {}, one.uri),
    el("td", { title: one.user ?? "" }, one.process), el("td", { class: "body" }, one.body ?? "(no body)"));
}
