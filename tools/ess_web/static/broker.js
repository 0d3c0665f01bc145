// What the broker says of itself, and who is on the bus.

import { el } from "./dom.js";
import { age, text } from "./format.js";

const FIRST = ["messages_per_s", "deliveries_per_s", "clients", "waiting", "dropped", "undelivered", "denied", "protocol_errors", "uptime_s"];
const COLUMNS = [["name", "Client"], ["user", "User"], ["pid", "PID"], ["connected_s", "Connected"], ["received", "Received"], ["sent", "Sent"], ["waiting", "Waiting"], ["dropped", "Dropped"], ["lagging", "Lagging"]];

export const broker = {
  id: "broker",
  title: "Broker",
  rebuiltBy: ["broker", "health"],

  build(root, app) {
    const processes = Object.entries(app.said.health?.processes ?? {});
    if (processes.length && !app.stale()) {
      root.append(el("div", { class: "bar wrap" }, ...processes.map(([name, wrong]) => el("span", { class: `chip ${wrong ? "bad" : "good"}`, title: wrong ?? "answers" }, wrong ?? name))));
    }
    const said = app.stale() ? null : app.said.broker;
    if (!said) {
      root.append(el("p", { class: "hint" }, "The broker has not answered."));
      return;
    }
    const flat = Object.entries(said.stats).filter(([, value]) => typeof value !== "object");
    flat.sort(([a], [b]) => rank(a) - rank(b));
    root.append(el("dl", { class: "facts", id: "facts" }, ...flat.flatMap(([name, value]) => [el("dt", {}, name.replaceAll("_", " ")), el("dd", {}, name === "uptime_s" ? age(value) : text(value))])));
    const rows = said.clients.map((one) => el("tr", { class: one.lagging || one.dropped ? "bad" : "" }, ...COLUMNS.map(([key]) => el("td", { title: key === "name" ? Object.keys(one.subscriptions ?? {}).join("\n") : "" }, key === "connected_s" ? age(one[key]) : key === "lagging" ? (one[key] ? "lags" : "") : text(one[key])))));
    root.append(el("table", { class: "list", id: "clients" }, el("thead", {}, el("tr", {}, ...COLUMNS.map(([, title]) => el("th", {}, title)))), el("tbody", {}, ...rows)));
  },

  wants: () => ({ broker: true }),
};

const rank = (name) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
