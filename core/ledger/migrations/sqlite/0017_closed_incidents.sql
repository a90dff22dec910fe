-- Who closed an incident that nothing else ends ('closed'), and what they said.
ALTER TABLE incidents ADD COLUMN closed_by TEXT;
ALTER TABLE incidents ADD COLUMN closing TEXT;
