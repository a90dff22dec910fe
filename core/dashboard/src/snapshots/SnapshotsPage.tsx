export function AnySnapshots() { return null; }
export function SnapshotsPage() { return null; }
