// The UPID for people: enough of it to tell tasks apart, and a file name made of all of it.

/** `UPID:hub1:0000C35B:00001F2A:000004D2:…` → `000004D2`, the hub's number of the task; other texts are cut. */
export function shortUpid(upid: string): string {
  const fields = upid.split(':');
  const number = fields[0] === 'UPID' && fields.length >= 9 ? fields[4] : undefined;
  return number ?? (upid.length > 12 ? `${upid.slice(0, 11)}…` : upid);
}

/** A file name that every system takes: colons, slashes, backslashes and the like become dashes. */
export function logFileName(upid: string): string {
  const safe = upid.replace(/[^A-Za-z0-9._@-]+/g, '-').replace(/^-+|-+$/g, '');
  return `${safe === '' ? 'task' : safe}.log`;
}

/** One argument as a POSIX shell reads it; quoted only when it must be. */
export function shellQuote(argument: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
