// The sign of the product.
export function Mark({ size }: { size: number }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden>
      <g fill="none" stroke="currentColor" strokeWidth="2.3" strokeLinejoin="round">
        <path d="M16 4.5 26 10.2v11.6L16 27.5 6 21.8V10.2z" />
        <path d="M6 10.4l10 5.7 10-5.7M16 16.2v11" />
      </g>
    </svg>
  );
}
