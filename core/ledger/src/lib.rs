//! All SQL of the hub: tasks, events, messages, configuration objects, behind one type with domain verbs.
