// The connection to ess_web: one stream of events down, requests up. It comes back by itself.

const SILENT_AFTER_MS = 4000;
const AGAIN_MS = 1000;

export class Failed extends Error {
  constructor(status, said) {
    super(said.error ?? `ess_web answers ${status}`);
    this.status = status;
    this.outcome = said.outcome ?? "";
  }
}

export async function ask(path, body) {
  const own = { "X-ESS-Web": "1", "Content-Type": "application/json" };
  const options = body === undefined ? {} : { method: "POST", headers: own, body: JSON.stringify(body) };
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    // Once it has left, nobody can say whether it arrived.
    throw new Failed(0, { error: "ess_web cannot be reached", outcome: body === undefined ? "" : "unknown" });
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Failed(answer.status, said);
  return said;
}

export class Link {
  // heard(frame): an event; changed(): whether it is alive; locked(): nobody is logged in.
  constructor({ heard, changed, locked }) {
    Object.assign(this, { heard, changed, locked });
    this.alive = false;
    this.last = 0;
    this.key = null;
    this.wanted = {};
    setInterval(() => this.look(), 500);
  }

  open() {
    this.close();
    this.source = new EventSource("/api/stream");
    this.source.onmessage = (event) => this.take(JSON.parse(event.data));
    this.source.onerror = () => this.fail();
  }

  close() {
    clearTimeout(this.again);
    this.source?.close();
    this.source = null;
    this.key = null;
  }

  want(wanted) {
    this.wanted = wanted;
    if (this.key) ask(`/api/streams/${this.key}`, wanted).catch(() => this.fail());
  }

  take(frame) {
    this.last = performance.now();
    if (frame.hello) {
      this.key = frame.hello;
      this.want(this.wanted);
    }
    this.live(true);
    this.heard(frame);
  }

  look() {
    if (this.source && this.alive && performance.now() - this.last > SILENT_AFTER_MS) this.fail();
  }

  live(alive) {
    if (alive === this.alive) return;
    this.alive = alive;
    this.changed();
  }

  fail() {
    this.close();
    this.live(false);
    this.again = setTimeout(() => this.retry(), AGAIN_MS);
  }

  async retry() {
    try {
      await ask("/api/session");
      this.open();
    } catch (error) {
      if (error.status === 401) this.locked();
      else this.again = setTimeout(() => this.retry(), AGAIN_MS);
    }
  }
}
