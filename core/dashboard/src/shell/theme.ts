// Colours, type and the defaults of Mantine's components. Tokens that both schemes need are in theme.css.
import { createTheme, type MantineColorsTuple } from '@mantine/core';

const bronze: MantineColorsTuple = [
  '#fbf6ee', '#f2e7d8', '#e5d0b3', '#d8b98d', '#cba672', '#bf9667', '#a67c4d', '#87633a', '#6d4f2e', '#543d24',
];
const slate: MantineColorsTuple = [
  '#dbe0e8', '#b7bfcc', '#949eae', '#6b7789', '#364050', '#2a3341', '#202835', '#161b24', '#10141b', '#0a0d12',
];

const STACK = 'system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif';

export const theme = createTheme({
  primaryColor: 'bronze',
  primaryShade: 7,
  colors: { bronze, dark: slate },
  fontFamily: `"Inter Variable", ${STACK}`,
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
  headings: { fontWeight: '600' },
  defaultRadius: 'md',
  focusRing: 'auto',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Tooltip: { defaultProps: { withArrow: true, openDelay: 250, events: { hover: true, focus: true, touch: true } } },
    Notification: { defaultProps: { closeButtonProps: { 'aria-label': 'Dismiss' } } },
    Button: { defaultProps: { size: 'sm' } },
  },
});
