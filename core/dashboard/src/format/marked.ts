// What advice says, taken apart: code between backticks, and the evidence that follows the reason line by line.
export interface Part {
  text: string;
  code: boolean;
}

/** The text and the code in it. A backtick without a partner is only a backtick. */
export function codeParts(text: string): Part[] {
  return text.split(/(`[^`\n]+`)/).flatMap((piece): Part[] => {
    if (piece === '') return [];
    return piece.length > 2 && piece.startsWith('`') && piece.endsWith('`') ? [{ text: piece.slice(1, -1), code: true }] : [{ text: piece, code: false }];
  });
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
