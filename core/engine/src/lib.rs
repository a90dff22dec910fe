//! Scheduler, worker slots, task context and the jobs themselves.
