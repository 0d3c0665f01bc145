// Ties the views to the stream: one view is shown at a time, and only what it shows is asked for.

import { alarms } from "./alarms.js";
import { broker } from "./broker.js";
import { byId, el } from "./dom.js";
import { Link, ask } from "./link.js";
import { listen } from "./listen.js";
import { overview } from "./overview.js";
import { tree } from "./tree.js";
import { trends } from "./trends.js";
import * as values from "./values.js";

const TOPICS = ["health", "cards", "alarms", "diagram", "structure", "broker"];
const NAME = "ess_web.name";
const MAX_BANNERS = 3; // of alarms and faults
const views = [overview, trends, alarms, tree, listen, broker];

const app = {
  said: {}, // the newest of each topic
  user: null,
  view: overview,
  timers: {},
  known: null, // the newest tree

  stale: () => !link.alive || !app.said.health?.connected,
  rewatch() {
    const wanted = app.view.wants(app);
    values.forget(wanted.watch);
    link.want(wanted);
  },
  forget: () => values.clear(),

  // Calls once, when nothing has asked for it for a moment.
  later(name, call) {
    clearTimeout(app.timers[name]);
    app.timers[name] = setTimeout(call, 300);
  },

  async tree(fresh = false) {
    if (fresh || !app.known) app.known = await ask("/api/tree");
    return app.known;
  },

  rebuild() {
    const root = byId("view");
    app.view.leave?.();
    values.clear();
    root.replaceChildren();
    root.dataset.view = app.view.id;
    app.view.build(root, app);
    app.rewatch();
  },
};

const link = new Link({
  heard(frame) {
    if (frame.hello) {
      // Nothing from before is known to be so still.
      values.forget();
      app.said = { ...app.said, health: undefined, broker: undefined };
      app.known = null;
      notice();
    }
    values.take(frame);
    const changed = TOPICS.filter((topic) => frame[topic] !== undefined && JSON.stringify(app.said[topic]) !== JSON.stringify(frame[topic]));
    for (const topic of TOPICS) if (frame[topic] !== undefined) app.said[topic] = frame[topic];
    if (changed.includes("structure")) app.known = null;
    if (changed.includes("health")) notice();
    if (changed.includes("alarms")) tabs();
    if (app.view.rebuiltBy.some((topic) => changed.includes(topic))) app.rebuild();
    app.view.frame?.(frame, app);
    if (changed.includes("alarms")) notice();
  },
  changed() {
    notice();
    if (app.view.rebuiltBy.includes("alarms") || app.view.rebuiltBy.includes("broker")) app.rebuild();
  },
  locked() {
    app.user = null;
    login();
  },
});

// What makes values not valid, and what has not been seen yet, stands above everything.
function notice() {
  const health = app.said.health;
  const reason = health ? (health.connected ? "" : health.reason) : "not heard yet";
  values.setOffline(link.alive ? reason : "no connection to ess_web");
  const said = [];
  if (!link.alive) said.push(["bad", "No connection to ess_web: nothing shown here is valid. Trying again …"]);
  else if (health && !health.connected) said.push(["bad", `No broker: nothing shown here is valid. ${health.reason}`]);
  else if (health) {
    if (health.engine) said.push(["bad", `The engine cannot be relied on: ${health.engine}`]);
    const wrong = Object.values(health.processes).filter(Boolean);
    if (wrong.length) said.push(["bad", `Not valid is what these publish: ${wrong.join("; ")}`]);
    if (health.left_out) said.push(["bad", `There are too many variables on the bus; ${health.left_out} values were left out`]);
  }
  said.push(...unseen());
  byId("banners").replaceChildren(...said.map(([kind, text]) => el("p", { class: `banner ${kind}` }, text)));
  document.body.classList.toggle("offline", app.stale());
}

// Faults before alarms, and what came first before what came of it: a consequence must not hide its cause.
function unseen() {
  const open = (app.said.alarms?.list ?? []).filter((one) => !one.by).reverse();
  const ordered = [...open.filter((one) => one.kind === "fault"), ...open.filter((one) => one.kind !== "fault")];
  const shown = ordered.slice(0, MAX_BANNERS).map((one) => [one.kind, `${one.kind}: ${one.asset}: ${one.text}`]);
  const more = ordered.slice(MAX_BANNERS);
  if (more.length) shown.push([more[0].kind, `and ${more.length} more, see Alarms`]);
  return shown;
}

function tabs() {
  const open = (app.said.alarms?.list ?? []).filter((one) => !one.by).length;
  byId("tabs").replaceChildren(...views.map((view) => el("button", {
    role: "tab", "data-tab": view.id, "aria-selected": String(view === app.view),
    onclick: () => {
      location.hash = view.id;
    },
  }, view.title, view === alarms && open ? el("span", { class: "count" }, open) : null)));
}

function go() {
  const wanted = views.find((view) => `#${view.id}` === location.hash) ?? overview;
  app.view.leave?.();
  app.view = wanted;
  tabs();
  app.rebuild();
}

async function begin() {
  try {
    app.user = await ask("/api/session");
  } catch (error) {
    if (error.status === 401) return login();
    return setTimeout(begin, 1000);
  }
  byId("who").textContent = `${app.user.name} (${app.user.role})`;
  byId("logout").hidden = false;
  go();
  return link.open();
}

function login() {
  const dialog = byId("login");
  link.close();
  const given = location.hash.slice(1);
  if (given.length >= 16) {
    // The token of the address that ess_web has printed; it must not stay in the history.
    byId("login-token").value = given;
    history.replaceState(null, "", "/");
  }
  if (dialog.open) return;
  byId("login-name").value = localStorage.getItem(NAME) ?? "";
  byId("login-error").textContent = "";
  dialog.oncancel = (event) => event.preventDefault();
  dialog.showModal();
}

async function enter() {
  const name = byId("login-name").value.trim();
  try {
    if (!name) throw new Error("who are you?");
    await ask("/api/login", { name, token: byId("login-token").value });
  } catch (error) {
    byId("login-error").textContent = error.message;
    return;
  }
  localStorage.setItem(NAME, name);
  byId("login-token").value = "";
  byId("login").close();
  begin();
}

byId("login-go").onclick = enter;
for (const id of ["login-name", "login-token"]) byId(id).addEventListener("keydown", (event) => event.key === "Enter" && enter());
byId("logout").addEventListener("click", () => ask("/api/logout", {}).finally(() => location.reload()));
window.addEventListener("hashchange", () => (app.user ? go() : login()));
setInterval(values.refresh, 1000); // ages grow
begin();
