// What is typed into the editor, kept for this tab: it survives a reload, and signing in again when a token ran out.
import { useState } from 'react';

import type { Draft } from './draft';

function read(key: string, initial: Draft): Draft | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(key) ?? 'null') as Partial<Draft> | null;
    return kept === null ? null : { ...initial, ...kept };
  } catch {
    return null;
  }
}

export function useDraft(page: string, initial: Draft) {
  const key = `ironcore.draft.${page}`;
  const [first] = useState(() => ({ initial, kept: read(key, initial) }));
  const [draft, setDraft] = useState(first.kept ?? first.initial);
  const [restored, setRestored] = useState(first.kept !== null);
  const dirty = JSON.stringify(draft) !== JSON.stringify(first.initial);
  return {
    draft,
    dirty,
    /** Whether it was typed before, and not sent. */
    restored,
    change: (part: Partial<Draft>) => {
      const next = { ...draft, ...part };
      setDraft(next);
      sessionStorage.setItem(key, JSON.stringify(next));
    },
    /** Forgets what is kept, such as when it was sent. */
    forget: () => sessionStorage.removeItem(key),
    discard: () => {
      sessionStorage.removeItem(key);
      setDraft(first.initial);
      setRestored(false);
    },
  };
}
