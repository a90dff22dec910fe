export function DatastoresPage() { return null; }
