// Giving the focus back when something that took it goes: to what had it before, or to what stands there now.
import { useEffect, useRef } from 'react';

/** Panels and questions here go by being unmounted, which gives them no chance to give the focus back themselves. */
export function useReturnFocus(): void {
  const there = useRef(false);
  useEffect(() => {
    there.current = true;
    const before = document.activeElement;
    return () => {
      there.current = false;
      setTimeout(() => {
        // It came back at once, or somebody else has taken the focus.
        if (there.current || (document.activeElement !== null && document.activeElement !== document.body)) return;
        const target = before instanceof HTMLElement && before !== document.body && before.isConnected
          ? before
          : document.querySelector<HTMLElement>('[role="dialog"] button, #content');
        target?.focus({ preventScroll: true });
      });
    };
  }, []);
}
