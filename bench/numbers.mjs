// Numbers as a person reads them.

export function count(value) {
  return value.toLocaleString('en');
}

export function ms(value) {
  return Math.abs(value) < 100 ? value.toPrecision(2) : value.toFixed(0);
}

export function times(value) {
  return value < 10 ? value.toFixed(2) : count(Math.round(value));
}

export function multiple(value) {
  return `${value < 10 ? Number(value.toFixed(1)) : count(Math.round(value))} ×`;
}

export function kib(bytes) {
  return `${count(Math.round(bytes / 1024))} KiB`;
}

export function mb(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

export function percent(share) {
  return `${Math.round(share * 100)} %`;
}
