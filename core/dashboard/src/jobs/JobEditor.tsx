export function NewJobPage() { return null; }
export function EditJobPage() { return null; }
