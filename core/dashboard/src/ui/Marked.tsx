// Plain text in which backticks mark what is typed or copied.
import { codeParts } from '../format/marked';

export function Marked({ text }: { text: string }) {
  return <>{codeParts(text).map((part, at) => (part.code ? <code key={at}>{part.text}</code> : part.text))}</>;
}
