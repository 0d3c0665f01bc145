// Numbers, units, ages and times as people read them.

const PREFIXES = { 1000: "k", 1000000: "M", 1000000000: "G", 0.001: "m" };

// A scaler says how many of the unit one is: 1000 with W is kW. 0 and 1 are the unit itself.
export function unitOf(meta) {
  const { unit, scaler } = meta ?? {};
  if (!unit) return "";
  if (!scaler || scaler === 1) return unit;
  return PREFIXES[scaler] ? PREFIXES[scaler] + unit : `× ${scaler} ${unit}`;
}

export function text(value) {
  if (value === null || value === undefined) return "–";
  if (value === true) return "on";
  if (value === false) return "off";
  if (typeof value === "number") return String(Number.isInteger(value) ? value : Number(value.toPrecision(6)));
  return value === "" ? "(empty)" : value;
}

export function age(seconds) {
  const s = Math.max(0, seconds);
  if (s < 100) return `${Math.floor(s)} s`;
  if (s < 6000) return `${Math.floor(s / 60)} min`;
  if (s < 172800) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} d`;
}

export function time(since1970) {
  const at = new Date(since1970 * 1000);
  const clock = at.toLocaleTimeString(undefined, { hour12: false });
  return at.toDateString() === new Date().toDateString() ? clock : `${at.toLocaleDateString()} ${clock}`;
}

export const clock = (since1970) => new Date(since1970 * 1000).toISOString().slice(11, 23);
