// What advice says, taken apart: code between backticks, and the evidence that follows the reason line by line.
export interface Part {
  text: string;
  code: boolean;
}

/**
 * The text and the code in it, as in Markdown: as many backticks as begin a code end it, in the same line, so what holds
 * backticks itself stands between more of them. Those that nothing ends are only backticks.
 */
export function codeParts(text: string): Part[] {
  const runs = [...text.matchAll(/`+/g)].map((run) => ({ start: run.index, end: run.index + run[0].length }));
  const parts: Part[] = [];
  let done = 0;
  let at = 0;
  while (at < runs.length) {
    const open = runs[at];
    const closing = runs.findIndex((run, place) => place > at && open !== undefined && run.end - run.start === open.end - open.start);
    const close = runs[closing];
    at += 1;
    if (open === undefined || close === undefined) continue;
    const code = text.slice(open.end, close.start);
    if (code.includes('\n')) continue;
    if (open.start > done) parts.push({ text: text.slice(done, open.start), code: false });
    // What begins or ends with a backtick stands between spaces.
    parts.push({ text: /^ .*\S.* $/.test(code) ? code.slice(1, -1) : code, code: true });
    done = close.end;
    at = closing + 1;
  }
  if (done < text.length) parts.push({ text: text.slice(done), code: false });
  return parts;
}

/** The hub puts evidence behind the reason, a line for each: `code: chunk.corrupt`. */
const EVIDENCE = /^[a-z][a-z0-9-]{0,30}: ./;

/** The reason in words, and the lines of evidence at its end. */
export function splitEvidence(why: string): { reason: string; evidence: string[] } {
  const lines = why.split('\n');
  let end = lines.length;
  while (end > 0 && EVIDENCE.test(lines[end - 1] ?? '')) end -= 1;
  return { reason: lines.slice(0, end).join('\n').trim(), evidence: lines.slice(end) };
}
