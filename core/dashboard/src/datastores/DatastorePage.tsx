export function DatastorePage() { return null; }
